"""The error that a user can mend."""


class UserError(Exception):
    """Something in the input or the environment is wrong, and the message says what.

    The command line prints the message as one line and exits with status 1; it never shows a
    traceback for it.
    """
