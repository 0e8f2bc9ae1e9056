"""The green-space survey: what people find on a walk, what the network decides, what is told to everybody.

A potential space is a row of the register from the moment it is suggested, and stays that row, with its id
and its history, through every stage until it is open. What people wrote, said and photographed is kept beside
it.
"""
