"""What `./pants` does before there is a Pants: interpreters, Pants itself, Pex and the derived locks.

Standard library only and Python 3.9 upwards: it runs on whatever Python the machine has.
"""
