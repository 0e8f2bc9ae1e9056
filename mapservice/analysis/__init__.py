"""Access to green space: who has some near, and which potential space would serve whom.

`standards` says what is asked for, `distances` how far homes are from spaces, `access` who meets which
standard today, `first` what opening each potential space would change. Formulas and sources: docs/access.md.
"""
