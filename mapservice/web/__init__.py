"""The doors over HTTP: parse a request, call one room, render the answer."""
