"""Accounts: who somebody is, what they may do and see, and how they show that it is they.

`permissions` is the table of who may do what; `account.Account` is who asks, with `may(action, locality)`.
"""
