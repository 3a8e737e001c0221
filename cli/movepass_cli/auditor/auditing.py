"""Provide the command audit, which needs copies alone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from movepass_cli.display import printable
from movepass_cli.inputs import InputError, writing_to
from movepass_cli.main import REJECT
from movepass_cli.options import PATH, CheckingCommand, example, json_option, option, plain_option, time_of
from movepass_cli.output import show_head, show_json, show_line, show_rows
from movepass_keys import files
from movepass_keys.records.checkpoint import HEAD_MAX_BYTES
from movepass_verifier import Outcome
from movepass_verifier.auditing import copies, heads
from movepass_verifier.auditing.audit import AuditReport, audit_copies, check_heads, describe_head, prove
from movepass_verifier.auditing.findings import KEPT_MAX, Findings
from movepass_verifier.auditing.heads import NamedHead
from movepass_verifier.auditing.trust import Trust, read_trust
from movepass_wire.times import local

_MARKS = {True: "✘", False: "!"}
_TWO = 2


@dataclass(frozen=True, slots=True)
class _Given:
    """The options of the command."""

    decisions: Path | None
    issued: Path | None
    heads: Sequence[Path]
    passes: Sequence[str]
    trust: Trust | None
    taken: int
    as_json: bool


@click.command(
    cls=CheckingCommand,
    epilog=example(
        "movepass audit --decisions copies --issued copies --store device --head kept.head",
        "movepass audit --decisions copies --issued copies --store device --pass A1B-2C3-D4E",
        "movepass audit --head mine.head --head hers.head --store device",
        "movepass audit --decisions copies --head old.head --head new.head --prove log.proof",
        "movepass audit --head old.head --proof log.proof",
    ),
)
@plain_option("--decisions", type=PATH, metavar="FILE-OR-DIR", help="The copy of the decision log.")
@plain_option("--issued", type=PATH, metavar="FILE-OR-DIR", help="The copy of the issuer's ledger.")
@plain_option("--head", "head_files", type=PATH, multiple=True, metavar="FILE",
              help="A signed head that you kept, or another auditor's. The copies' own is read too.")  # fmt: skip
@plain_option("--pass", "pass_texts", multiple=True, metavar="TEXT|NUMBER", help="A pass found at the roadside.")
@plain_option("--passes", "pass_file", type=PATH, metavar="FILE", help="A file of such passes, one a line.")
@option("--store", type=PATH, metavar="DIR",
        help="An enrolled and synced device's store, to check signatures and the published head.")  # fmt: skip
@plain_option("--taken", callback=time_of, metavar="TIME", help="When the copies were taken; now, without it.")
@plain_option("--prove", type=PATH, metavar="FILE", help="Write a proof that the log only grew between the heads.")
@plain_option("--proof", type=PATH, metavar="FILE", help="Check such a proof, with the old head alone.")
@json_option
@click.pass_context
def audit(
    ctx: click.Context, decisions: Path | None, issued: Path | None, head_files: Sequence[Path],
    pass_texts: Sequence[str], pass_file: Path | None, store: Path | None, taken: int | None, prove: Path | None,
    proof: Path | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Check that no pass exists without a decision, from copies alone.

    It names a pass without a decision, two for one, a decision that was changed, removed or written afterwards, and a
    log that was rewound or shown differently to others. Copies are what movepass service export writes. Keep every
    head: an old one finds what was rewritten since. docs/audit.md says what each finding means.

    Exit codes: 0 nothing is wrong, 1 something is wrong, 2 a copy can't be read.
    """
    passes = [*pass_texts, *(_read_passes(pass_file) if pass_file else ())]
    trust = read_trust(store) if store else None
    given = _Given(decisions, issued, head_files, passes, trust, taken or int(time.time()), as_json)
    if proof:
        whole = _check_proof(given, proof)
    elif decisions is None:
        whole = _compare_heads(given)
    elif prove:
        whole = _write_proof(given, decisions, prove)
    else:
        whole = _audit(given, decisions)
    if not whole:
        ctx.exit(REJECT)


def _audit(given: _Given, decisions: Path) -> bool:
    found = copies.find_copies(decisions, given.issued or decisions)
    named = _read_heads(given, found.head)
    report = audit_copies(found, named, taken=given.taken, trust=given.trust, passes=given.passes)
    if given.as_json:
        show_json(report.to_json())
    else:
        _show_report(report)
    return report.is_whole


def _compare_heads(given: _Given) -> bool:
    _refuse_passes(given)
    if len(given.heads) + bool(given.trust) < _TWO:
        raise InputError("give the copies (--decisions, --issued), or two heads to compare (--head)")
    findings = Findings()
    ordered = check_heads(_read_heads(given, None), given.trust, findings)
    _show_heads(given, ordered, findings)
    return not findings.failures


def _write_proof(given: _Given, decisions: Path, file: Path) -> bool:
    _refuse_passes(given)
    leaves = copies.find_leaves(decisions)
    own = None if len(given.heads) == _TWO else copies.head_beside(leaves)
    ordered = heads.order_heads(_read_heads(given, own))
    if len(ordered) != _TWO:
        raise InputError(f"a proof is between two heads; {len(ordered)} were given (--head)")
    old, new = ordered
    data = prove(leaves, old, new)
    with writing_to(file):
        files.write_whole(file, data)
    findings = Findings()
    heads.check_proof(heads.read_proof(str(file), data), old, findings)
    _show_heads(given, ordered, findings, proof=str(file))
    return not findings.failures


def _check_proof(given: _Given, file: Path) -> bool:
    _refuse_passes(given)
    if given.decisions or given.issued:
        raise InputError("a proof is checked without copies: leave --decisions and --issued out")
    proof = heads.read_proof(str(file), copies.read_small(file, heads.PROOF_MAX_BYTES))
    others = _read_heads(given, None)
    old = next((head for head in others if head.checkpoint.size == proof.old), None)
    if old is None:
        raise InputError(f"the proof begins with {proof.old:,} leaves: give the head of that size (--head)")
    findings = Findings()
    ordered = check_heads([*others, proof.new], given.trust, findings)
    heads.check_proof(proof, old, findings)
    _show_heads(given, ordered, findings, proof=str(file))
    return not findings.failures


def _read_heads(given: _Given, own: Path | None) -> list[NamedHead]:
    paths = [*given.heads, *([own] if own else [])]
    if not paths:
        raise InputError("there is no head: give one (--head), or the folder that movepass service export wrote")
    return [heads.read_head(str(path), copies.read_small(path, HEAD_MAX_BYTES)) for path in paths]


def _read_passes(file: Path) -> list[str]:
    try:
        text = copies.read_small(file, copies.PASSES_MAX_BYTES).decode()
    except UnicodeDecodeError as e:
        raise InputError(f"{file}: expected one pass or pass number a line, got bytes that are not UTF-8") from e
    return [line.removesuffix("\r") for line in text.split("\n") if line.strip()]


def _refuse_passes(given: _Given) -> None:
    if given.passes:
        raise InputError("a pass is looked up in the copies: give them (--decisions, --issued)")


def _show_report(report: AuditReport) -> None:
    scanned = report.scanned
    _show_outcome(report.findings)
    acts = f"{scanned.administrations:,} acts of administration"
    counts = f"{scanned.decisions:,} decisions, {scanned.issuances:,} passes, {acts}"
    show_rows([
        ("log", f"{scanned.leaves:,} leaves: {counts}"),
        ("records", f"{scanned.records:,} kept, {report.forgotten:,} forgotten after their time"),
        ("ledger", f"{report.issued:,} passes"),
        *(("head", _word_head(head, report.trust)) for head in report.heads),
        *(("found", str(found["words"])) for found in report.found if found["result"] == "logged"),
    ])  # fmt: skip
    _show_findings(report.findings)


def _show_heads(given: _Given, ordered: Sequence[NamedHead], findings: Findings, proof: str | None = None) -> None:
    """Show what was found about heads alone."""
    if given.as_json:
        shown: dict[str, Any] = {
            "whole": not findings.failures,
            "heads": [describe_head(head, given.trust) for head in ordered],
            "counts": dict(findings.counts),
            "findings": [finding.to_json() for finding in findings],
        }
        show_json(shown | ({"proof": proof} if proof else {}))
        return
    _show_outcome(findings)
    show_rows([*(("head", _word_head(head, given.trust)) for head in ordered), ("proof", proof or "")])
    _show_findings(findings)


def _show_outcome(findings: Findings) -> None:
    if not findings.failures:
        show_head(Outcome.ACCEPT, "NOTHING IS WRONG")
    else:
        wrong = "1 thing is wrong" if findings.failures == 1 else f"{findings.failures:,} things are wrong"
        show_head(Outcome.REJECT, wrong.upper())


def _show_findings(findings: Findings) -> None:
    for finding in findings:
        show_line(finding.words, lead=printable(f"  {_MARKS[finding.is_failure]} {finding.code}: "))
    for code, count in findings.counts.items():
        if count > KEPT_MAX:
            show_line(f"  … and {count - KEPT_MAX:,} more of {code}")


def _word_head(head: NamedHead, trust: Trust | None) -> str:
    checkpoint = head.checkpoint
    shown = describe_head(head, trust)
    signed = {None: "signature not checked", True: "signed", False: "NOT SIGNED"}[shown["signed"]]
    published = ", published" if shown["published"] else ""
    return f"{checkpoint.size:,} leaves, {local(checkpoint.at)}, {signed}{published}: {head.name}"
