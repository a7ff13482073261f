"""Wrong options are refused at once, with words that say what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.network.options import parse_options


def test_defaults_are_eleven_nodes_until_somebody_ends_it() -> None:
    options = parse_options([])
    assert options.counts == {"oracle": 4, "guardian": 4, "validator": 3}
    assert (options.seconds, options.json, options.docker, options.keep) == (None, None, False, None)


def test_options_are_taken_over(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    given = ["--oracles", "2", "--guardians", "1", "--validators", "40", "--seconds", "1.5", "--json", str(report)]
    options = parse_options([*given, "--docker", "--keep", "kept"])
    assert options.counts == {"oracle": 2, "guardian": 1, "validator": 40}
    assert (options.seconds, options.json, options.docker, options.keep) == (1.5, report, True, Path("kept"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--oracles", "0"], "--oracles: 0 nodes of a tier: a network has 1 to 40 of each"),
        (["--guardians", "-3"], "--guardians: -3 nodes of a tier: a network has 1 to 40 of each"),
        (["--validators", "41"], "--validators: 41 nodes of a tier"),
        (["--validators", "--2"], "--validators"),
        (["--oracles", "many"], "--oracles: 'many' is not a number of nodes: write 1 to 40"),
        (["--seconds", "0"], "--seconds: '0' is not a time: write a number of seconds above 0"),
        (["--seconds", "nan"], "--seconds: 'nan' is not a time"),
        (["--seconds", "inf"], "--seconds: 'inf' is not a time"),
        (["--json", "/no/such/folder/report.json"], "--json: /no/such/folder is no folder"),
    ],
)
def test_wrong_options_end_it_with_code_2(given: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(given)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
