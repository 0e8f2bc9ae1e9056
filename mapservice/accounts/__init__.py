"""Accounts: who may edit and who may see what, and the tokens with which programs act for them."""
