from pathlib import Path

from rules_replay import fill, timed

from movepass_service.rules import RuleSet, default_rules


def test_a_replay_by_the_same_rules_changes_nothing(tmp_path: Path) -> None:
    fill(tmp_path, 3000)
    result, _ = timed(tmp_path, default_rules())
    assert (result.applications, result.changed) == (3000, 0)
    actions = {decided.action for decided in result.before}
    assert actions == {"approve", "reject", "refer"}
    smaller = RuleSet.from_toml(default_rules().table.source.replace("{ at_least = 3 }", "{ at_least = 1 }"))
    assert timed(tmp_path, smaller)[0].changed > 0
