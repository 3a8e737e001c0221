"""Check that no option takes the empty value of an unset shell variable, so that none switches a protection off."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from movepass_cli.main import cli
from movepass_cli.options import GivenOption

from .conftest import Field, Movepass

OF_A_CHOICE = {"language", "alg"}
"""Options whose values are named; an empty one is none of them, and an empty variable means nothing."""

WHATEVER_IT_IS = {"text"}
"""A code may hold nothing, which is a verdict's matter."""


def options() -> Iterator[tuple[tuple[str, ...], click.Option]]:
    """Yield every option that takes a value, with the command that has it."""
    context = click.Context(cli)

    def walk(command: click.Command, names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Option]]:
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found
                yield from walk(found, (*names, name))
        for param in command.params:
            if isinstance(param, click.Option) and not param.is_flag and param.name not in OF_A_CHOICE | WHATEVER_IT_IS:
                yield names, param

    yield from walk(cli, ())


ALL = list(options())
IDS = [" ".join((*names, param.opts[0])) for names, param in ALL]
WITH_VARIABLE = [pytest.param(param, id=name) for name, (_, param) in zip(IDS, ALL, strict=True) if param.envvar]


@pytest.mark.parametrize(("names", "param"), ALL, ids=IDS)
@pytest.mark.parametrize("value", ["", "  "])
def test_no_option_takes_an_empty_value(names: tuple[str, ...], param: click.Option, value: str) -> None:
    with pytest.raises(click.BadParameter, match="is a variable unset"):
        cli.main([*names, param.opts[0], value], standalone_mode=False)


@pytest.mark.parametrize("param", WITH_VARIABLE)
def test_no_option_takes_an_empty_variable(param: click.Option, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(param, GivenOption)
    assert isinstance(param.envvar, str)
    monkeypatch.setenv(param.envvar, "")
    with click.Context(cli) as context, pytest.raises(click.BadParameter, match=f"{param.envvar}, and it is empty"):
        param.consume_value(context, {})


def test_the_list_has_the_protections() -> None:
    device = {"enroll --fingerprint", "enroll --root", "enroll --source", "enroll --ca", "verify --at", "sync --source"}
    assert device | {"keys sign --key", "keys propose root --threshold", "configure --max-age"} <= set(IDS)


@pytest.mark.parametrize("how", ["option", "variable", "option of spaces"])
def test_a_fingerprint_that_is_empty_sets_nothing_up(
    movepass: Movepass, field: Field, tmp_path: Path, how: str
) -> None:
    root = field.authority / "repository" / "metadata" / "1.root.json"
    given = {"option": ("--fingerprint", ""), "option of spaces": ("--fingerprint", " ")}.get(how, ())
    ran = movepass(
        "enroll", "--store", tmp_path / "device", "--root", root, "--source", field.authority / "repository", *given,
        env={"MOVEPASS_FINGERPRINT": ""} if how == "variable" else {},
    )  # fmt: skip
    assert ran.code == 2
    assert "empty" in ran.err
    assert not (tmp_path / "device").exists()


def test_what_is_kept_for_good_is_given_on_the_command_line_alone() -> None:
    """A variable that was forgotten must not say how many custodians agree, or that passes count."""
    alone = {
        "keys propose root --threshold", "keys propose root --online", "keys propose root --out",
        "keys custodian --name", "init --name", "init --repository", "revoke --request", "revoke --reason",
        "show --request",
    }  # fmt: skip
    variables = {param.envvar for _, param in ALL}
    assert not variables & {f"MOVEPASS_{name}" for name in ("REQUEST", "REASON", "OUT", "NAME", "REPOSITORY")}
    assert alone <= set(IDS)
    assert all(not param.envvar for name, (_, param) in zip(IDS, ALL, strict=True) if name in alone)
    context = click.Context(cli)
    for command, name in (("init", "production"), ("scan", "check_scanner")):
        found = cli.get_command(context, command)
        assert found
        assert [param.envvar for param in found.params if param.name == name] == [None]
