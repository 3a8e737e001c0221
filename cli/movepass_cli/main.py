"""Run the `movepass` command.

Exit codes: 0 accept or done, 1 reject, 2 wrong usage or unreadable input, 3 cannot verify, 4 the operation failed.
Results go to stdout, everything else to stderr. A command's module is imported only when the command runs, so that a
check at the roadside does not wait for code that only an issuer needs.
"""

import gc
import os
import sys
from importlib import import_module
from typing import NoReturn

import click

from movepass_cli.diagnostics import Diagnostics
from movepass_cli.output import say

ACCEPT = DONE = 0
REJECT = 1
USAGE = 2
CANNOT_VERIFY = 3
FAILED = 4
_INTERRUPTED = 130

_GROUPS = {
    "Officer": {
        "verify": ("officer.verifying", "verify one pass, offline"),
        "scan": ("officer.scanning.command", "verify one pass after the other"),
        "check-number": ("officer.check_number", "show what is known of a pass number"),
        "inspect": ("officer.verifying", "show the content of a payload, unverified"),
        "journal": ("officer.journal", "show what was decided at this post, never about whom"),
    },
    "IT desk": {
        "enroll": ("it_desk.enrolment", "set up the store of a device"),
        "sync": ("it_desk.syncing", "fetch keys and revocation lists"),
        "status": ("it_desk.upkeep", "show the keys and lists on the device, and how old they are"),
        "configure": ("it_desk.upkeep", "change how old lists may be, where they come from, and other settings"),
        "doctor": ("it_desk.upkeep", "check a device's store and repair it"),
        "export-bundle": ("it_desk.bundle", "copy a repository to a USB stick"),
        "serve": ("it_desk.serving", "serve the phone's app and a repository on this machine"),
    },
    "Issuer": {
        "init": ("issuer.authority", "create a local authority: keys, ledger, repository"),
        "issue": ("issuer.authority", "sign approved passes"),
        "show": ("issuer.authority", "show or reprint an issued pass"),
        "revoke": ("issuer.authority", "revoke passes"),
        "publish": ("issuer.publishing", "publish keys and revocation lists"),
        "recover": ("issuer.publishing", "continue after a restore from a backup"),
        "reconcile": ("issuer.regions", "after the loss of a region, revoke the passes that it never returned"),
        "dlq": ("issuer.dead_letters", "list, replay or drop the requests that the service on AWS refused"),
        "export-tsl": ("issuer.status_list", "write a day's list as an IETF Token Status List token"),
    },
    "Service": {
        "service": ("service.command", "receive applications, decide on them and issue passes"),
        "report": ("service.report", "answer managers' questions from facts without people"),
    },
    "Auditor": {
        "audit": ("auditor.auditing", "check from copies that no pass exists without a decision"),
    },
    "Custodian": {
        "keys": ("custodian.keys", "hold a ceremony; create, list, deny and replace keys"),
        "enrolment": ("it_desk.enrolment", "create the file or QR code that sets a device up"),
    },
}
_COMMANDS = {name: command for group in _GROUPS.values() for name, command in group.items()}

_ALSO = {"enrol": "enroll"}
"""Alternative spellings of commands."""


class _Commands(click.Group):
    """A group that knows the names of its commands, and imports each command only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        cmd_name = _ALSO.get(cmd_name, cmd_name)
        if cmd_name not in _COMMANDS:
            return None
        gc.disable()  # imported objects stay: searching them for garbage would take a tenth of the start
        module = import_module(f"movepass_cli.{_COMMANDS[cmd_name][0]}")
        gc.freeze()
        gc.enable()
        command = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is wrong otherwise
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for group, commands in _GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(name, words) for name, (_, words) in commands.items()], col_max=14)


_EPILOG = """
Shell completion: put eval "$(_MOVEPASS_COMPLETE=bash_source movepass)" into ~/.bashrc.

Options marked [env var] can also be given as an environment variable, such as MOVEPASS_STORE.

After an error, movepass --verbose COMMAND lists its causes; MOVEPASS_DEBUG=1 shows a traceback instead.

\b
Exit codes: 0 accept or done, 1 reject, 2 wrong usage or unreadable input,
            3 cannot verify, 4 the operation failed.
"""


@click.group(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="movepass", message="%(package)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="List the causes of an error, one per line.")
@click.make_pass_decorator(Diagnostics, ensure=True)
def cli(diagnostics: Diagnostics, *, verbose: bool) -> None:
    """Movement passes that any officer can check, anywhere, without a network."""
    diagnostics.verbose = verbose
    diagnostics.start()


def main() -> NoReturn:
    """Run the command and exit. Every error becomes one line and an exit code, never 1 or 3 by accident."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the parent process
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # both are TextIOWrapper here
        code = _run()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - there is nowhere left to report it
        code = FAILED
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _run() -> int:
    diagnostics = Diagnostics()
    try:
        # On Windows click would expand %NAME%, ~ and * in every argument, even in the text of a code.
        return cli.main(prog_name="movepass", standalone_mode=False, windows_expand_args=False, obj=diagnostics) or DONE
    except click.exceptions.Exit as e:
        return e.exit_code
    except SystemExit as e:  # click exits like this after completing a line for a shell, and on a broken pipe
        return FAILED if e.code or "_MOVEPASS_COMPLETE" not in os.environ else DONE
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except click.ClickException as e:
        diagnostics.show_traceback(e)
        code = _report_usage(e)
        diagnostics.show_causes(e)
        return code
    except Exception as e:  # noqa: BLE001 - no traceback, no accidental exit code
        diagnostics.show_traceback(e)
        code = _report_failure(e)
        diagnostics.show_causes(e)
        return code


def _report_usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    hint = f" (see {context.command_path} --help)" if context else ""
    say(f"error: {error.format_message()}{hint}")
    return USAGE


def _report_failure(error: Exception) -> int:
    """Report what went wrong. The packages' own errors explain it; any other error is a defect of ours."""
    module = type(error).__module__
    if module.startswith("movepass_"):
        say(f"error: {error}")
        return USAGE if getattr(error, "is_input", False) else FAILED
    if isinstance(error, UnicodeError):
        say(f"error: expected text, got bytes that are not text: {error.reason if hasattr(error, 'reason') else error}")
        return USAGE
    if isinstance(error, BrokenPipeError):
        raise error
    if isinstance(error, OSError):
        say("error: " + ": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
        return FAILED
    say(f"error: a defect in movepass: {type(error).__name__}: {error}; MOVEPASS_DEBUG=1 shows where")
    return FAILED


if __name__ == "__main__":
    main()
