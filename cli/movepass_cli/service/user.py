"""The user of a command, for the log."""

import os
import pwd


def machine_user() -> str:
    """Return the name of the user whose process this is, as the machine knows it.

    Not getpass.getuser(): that believes LOGNAME and USER, and whoever decides would choose the name in the log.
    """
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
