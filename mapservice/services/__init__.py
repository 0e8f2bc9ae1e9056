"""Services: what is offered where and when, as HSDS-UK 3.0, as calendars, and as lists for pages."""
