"""`ssl-irmae report`: which files it writes, what it prints where, and what it rejects."""

import csv
import dataclasses
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ssl_irmae.cli.main import app
from ssl_irmae.protocols.contenders.registry import CONTENDERS

TABLES = {"table.md", "table.tex", "summary.csv", "rows.csv", "environments.json", "mistakes.npz", "report.json"}
FORMATS = ("png", "svg", "pdf")


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


def figures(*names: str) -> set[str]:
    return {f"{name}.{kind}" for name in names for kind in FORMATS}


@pytest.fixture(scope="module")
def evaluate(tiny_encoder: Path) -> list[str]:
    budgets = ["--labels", "10,20", "--seeds", "3"]
    contenders = ["--contenders", "supervised,tiny-linear", "--encoder", str(tiny_encoder)]
    return ["evaluate", "--dataset", "digits", "--precision", "fp32", *budgets, *contenders]


@pytest.fixture(scope="module")
def store(evaluate: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that `evaluate` filled: two contenders, two budgets, three subsets."""
    path = tmp_path_factory.mktemp("store") / "results.sqlite"
    settings = {**CONTENDERS["supervised"].settings, "steps": 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONTENDERS, "supervised", dataclasses.replace(CONTENDERS["supervised"], settings=settings))
        run(*evaluate, "--store", str(path), "--quiet")
    return path


def test_without_options_it_prints_the_tables_and_writes_tables_and_figures(store: Path) -> None:
    result = run("report", str(store))
    out = Path("runs/report")
    assert {file.name for file in out.iterdir()} == TABLES | figures("error-against-labels", "paired-differences")
    assert result.stdout.startswith("With 10 labels, ")
    assert "tiny-linear" in result.stdout
    assert "± standard error over 3 labelled subsets" in " ".join(result.stdout.split())
    assert "All notes, what the checks mean and who saw which data: --notes full" in " ".join(result.stdout.split())
    assert "table.tex" in result.stderr
    assert "table.tex" not in result.stdout
    with (out / "rows.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2 * 2 * 3


def test_full_notes_come_with_every_check(store: Path) -> None:
    printed = " ".join(run("report", str(store), "--notes", "full", "--quiet").stdout.split())
    document = json.loads(Path("runs/report/report.json").read_text())
    texts = [*(note["text"] for note in document["notes"]), *document["provenance"]]
    texts += [check["details"] for check in document["checks"]]
    assert all(" ".join(text.split()) in printed for text in texts)
    assert "--notes full" not in printed


def test_what_evaluate_prints_it_prints_again(store: Path, evaluate: list[str]) -> None:
    settings = {**CONTENDERS["supervised"].settings, "steps": 3}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CONTENDERS, "supervised", dataclasses.replace(CONTENDERS["supervised"], settings=settings))
        evaluated = run(*evaluate, "--store", str(store), "--quiet").stdout
    assert run("report", str(store), "--quiet").stdout == evaluated


def test_duplicates_that_evaluate_counted_are_known_to_report(store: Path) -> None:
    def copies(source: str) -> dict[str, str]:
        document = json.loads(run("report", source, "--json", "--quiet").stdout)
        return {
            check["code"]: check["outcome"] for check in document["checks"] if check["code"] in ("SSI002", "SSI003")
        }

    assert copies(str(store)) == {"SSI002": "passed", "SSI003": "passed"}
    for name in ("report.json", "rows.csv"):
        Path(name).write_bytes((Path("runs/report") / name).read_bytes())
    assert copies("report.json") == {"SSI002": "passed", "SSI003": "passed"}
    assert copies("rows.csv") == {"SSI002": "unknown", "SSI003": "unknown"}, "rows alone cannot tell"


def test_ignored_checks_are_in_the_command_that_is_written_down(store: Path) -> None:
    run("report", str(store), "--ignore", "SSI015", "--quiet")
    document = json.loads(Path("runs/report/report.json").read_text())
    assert document["commands"] == [f"ssl-irmae report {store} --ignore SSI015"]
    assert "ignored: SSI015" in Path("runs/report/table.md").read_text()


def test_the_default_store_is_where_evaluate_keeps_it(store: Path) -> None:
    Path("runs").mkdir()
    Path("runs/results.sqlite").write_bytes(store.read_bytes())
    run("report", "--quiet")
    assert Path("runs/report/table.md").is_file()


def test_json_is_one_document_on_standard_output(store: Path) -> None:
    result = run("report", str(store), "--json", "--out", "r", "--made-by", "ssl-irmae evaluate --seeds 3")
    document = json.loads(result.stdout)
    assert document == json.loads(Path("r/report.json").read_text())
    assert document["commands"] == ["ssl-irmae evaluate --seeds 3", f"ssl-irmae report {store}"]
    assert document["baseline"] == "supervised"
    assert document["environments"][0]["python"]
    assert len({row["key"] for row in document["rows"]}) == 2 * 2 * 3


def test_json_is_ascii_whatever_a_pipe_is_encoded_in(store: Path) -> None:
    result = run("report", str(store), "--json", "--out", "r", "--made-by", "python Prüfung.py")
    assert result.stdout.isascii()
    assert json.loads(result.stdout)["commands"][0] == "python Prüfung.py"


def test_it_reads_what_it_wrote(store: Path) -> None:
    run("report", str(store), "--out", "first")
    for name in ("rows.csv", "report.json"):
        run("report", f"first/{name}", "--out", "again")
        first, again = (read_summary(folder, method=name == "rows.csv") for folder in ("first", "again"))
        assert again == first


def read_summary(folder: str, *, method: bool) -> list[dict[str, str]]:
    """Read summary.csv, without the intervals for the method: JSON does not hold the images that they rest on."""
    with Path(folder, "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{name: row[name] for name in row if method or "method" not in name} for row in rows]


def test_a_target_error_asks_how_many_labels_each_contender_needs(store: Path) -> None:
    result = run("report", str(store), "--target-error", "85")
    assert "labels for 85 % [95 %]" in result.stdout
    assert result.stdout.startswith("85 % errors take ")
    assert "--target-error 85" in Path("runs/report/table.md").read_text()


@pytest.mark.parametrize("value", ["0", "100", "-3"])
def test_what_is_no_error_in_percent_is_refused(store: Path, value: str) -> None:
    result = run("report", str(store), "--target-error", value, code=2)
    assert "--target-error" in result.stderr
    assert "between 0 and 100" in result.stderr


def test_finished_trials_from_elsewhere_are_imported_and_not_run_again(store: Path, evaluate: list[str]) -> None:
    run("report", str(store))
    rows = Path("runs/report/rows.csv")
    # three steps more or less are another result: only the rows of the readout that is the same are imported
    continued = [*evaluate[:-4], "--contenders", "tiny-linear", *evaluate[-2:], "--store", "there/s.sqlite"]
    result = run(*continued, "--import-trials", str(rows))
    assert "imported 6 finished trials" in " ".join(result.stderr.split())
    document = json.loads(run(*continued, "--json", "--quiet").stdout)
    assert document["seconds"]["fresh_trials"] == 0
    run("report", "there/s.sqlite", "--out", "again")
    original = json.loads(run("report", str(store), "--json", "--quiet").stdout)
    (environment,) = json.loads(Path("again/report.json").read_text())["environments"]
    assert environment in original["environments"], "where they were run, not where they were imported"
    assert all(row["threads"] == environment["threads"] for row in document["rows"])
    assert all(row["software"].items() <= environment["packages"].items() for row in document["rows"])
    run(*continued, "--import-trials", "nothing.csv", code=2)
    # a --json document records no seconds
    Path("evaluate.json").write_text(json.dumps(document))
    elsewhere = [*continued[:-1], "elsewhere/s.sqlite"]
    printed = run(*elsewhere, "--import-trials", "evaluate.json", "--json", "--quiet").stdout
    assert "NaN" not in printed, "JSON has no such number"
    imported = json.loads(printed)
    assert imported["seconds"]["fresh_trials"] == 0
    assert imported["rows"] == document["rows"]


def test_a_preset_that_did_not_run_these_trials_is_rejected(store: Path) -> None:
    message = run("report", str(store), "--preset", "mnist-full", code=2).stderr
    assert "none of these trials belongs to this --preset" in " ".join(message.split())
    assert "mnist-full" in run("report", str(store), "--preset", "mnist-ful", code=2).stderr


def test_the_page_and_the_encoders_are_written_when_asked_for(store: Path, tiny_encoder: Path) -> None:
    run("report", str(store), "--html", "--encoder", str(tiny_encoder), "--baseline", "tiny-linear", "--out", "r")
    expected = figures("error-against-labels", "paired-differences", "spectra", "codes")
    assert {file.name for file in Path("r").iterdir()} == TABLES | expected | {"report.html"}
    page = Path("r/report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert f"ssl-irmae report {store} --baseline tiny-linear --encoder {tiny_encoder} --html" in page
    assert '"baseline":"tiny-linear"' in page


def test_nothing_of_a_report_from_before_stays_beside_the_new_one(store: Path, tiny_encoder: Path) -> None:
    run("report", str(store), "--html", "--encoder", str(tiny_encoder), "--quiet")
    Path("runs/report/mine.txt").write_text("mine")
    before = {path.name for path in Path("runs/report").iterdir()}
    run("report", str(store), "--quiet")
    gone = before - {path.name for path in Path("runs/report").iterdir()}
    assert gone == {
        "report.html",
        *(f"{name}.{kind}" for name in ("spectra", "codes") for kind in ("png", "svg", "pdf")),
    }


def test_files_that_are_no_reports_are_not_written_over(store: Path) -> None:
    own = Path("own")
    own.mkdir()
    (own / "table.md").write_text("mine")
    result = run("report", str(store), "--out", "own", code=2)
    assert "--out: own has its own table.md, which would be lost" in " ".join(result.stderr.split())
    assert {path.name: path.read_text() for path in own.iterdir()} == {"table.md": "mine"}


def test_figures_draw_what_is_named(store: Path) -> None:
    document = json.loads(run("report", str(store), "--draw", "tiny-linear", "--json", "--quiet").stdout)
    assert document["drawn"] == ["tiny-linear"]
    assert {s["contender"] for s in document["summary"]} == {"tiny-linear", "supervised"}, "tables hold all"


def test_two_protocols_are_never_mixed(store: Path, evaluate: list[str]) -> None:
    both = Path("both.sqlite")
    both.write_bytes(store.read_bytes())
    run(*evaluate, "--store", "both.sqlite", "--scored-on", "development", "--contenders", "tiny-linear", "--quiet")
    result = run("report", "both.sqlite", code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: these trials come from several protocols")
    assert "digits scored on test, balanced subsets (12 trials)" in result.stderr
    assert "digits scored on development, balanced subsets (6 trials)" in result.stderr
    assert "choose one with --scored-on" in result.stderr
    assert not Path("runs").exists()
    run("report", "both.sqlite", "--scored-on", "development", "--out", "r")
    assert "held-out training images" in Path("r/table.md").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--baseline", "supervisd"], "unknown contender 'supervisd'"),
        (["--draw", "tiny-linear,nobody"], "unknown contender 'nobody'"),
        (["--dataset", "mnist"], "no trial fits --dataset mnist"),
        (["--encoder", "mnist-ae"], "--encoder: no trial used the weights of mnist-ae"),
        (["--encoder", "nowhere"], "nowhere"),
        (["--ignore", "SSI001,SSI99"], "unknown check 'SSI99': known are SSI001, "),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(store: Path, options: list[str], message: str) -> None:
    result = run("report", str(store), *options, code=2)
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert "`" not in result.stderr
    assert not Path("runs").exists()


def test_a_missing_store_is_not_created() -> None:
    result = run("report", "typo.sqlite", code=2)
    assert "there is no file typo.sqlite" in result.stderr
    assert not Path("typo.sqlite").exists()
