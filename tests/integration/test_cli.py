"""The command line: what each command prints, writes and returns, and what it says to anything wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from samara.cli import main
from samara.exporter.export import Signature, export_model
from samara.graph.dims import Dim
from samara.graph.graph import Graph, Tensor
from samara.pyruntime.model import load

COMMANDS = ("export", "inspect", "run", "bench", "verify")
SOURCE = """
import numpy as np

import samara
from helper import WEIGHTS


def build():
    x = samara.placeholder("float32", [None, 3], name="x")
    w = samara.Variable(np.float32(WEIGHTS), name="w")
    samara.get_default_session().run(samara.global_variables_initializer())
    y = samara.nn.relu(x + w)
    return {"source": {"y": y}, "shapes": {"x": [2, 3]}, "metadata": {"author": "nobody"}}


def trained():
    x = samara.placeholder("float32", [2, 3], name="x")
    y = samara.nn.relu(samara.nn.dropout(x, samara.placeholder("float32", [], name="keep_prob")))
    return {"source": {"y": y}, "constants": {"keep_prob": 1.0}}


def nothing():
    return None


def unset():
    return {"source": samara.Variable(np.float32(WEIGHTS), name="unset") + 1}


def crash():
    return 1 / 0


text = "no function"
"""


def placeholder(graph: Graph, name: str, shape: list[int | None]) -> Tensor:
    made: Tensor = graph.apply("placeholder", [], {"dtype": "float32", "shape": shape}, name=name).outputs[0]
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signatures main: (x, y) -> sum, positive; and other: z[n, 2] -> relu."""
    graph = Graph()
    weights = np.arange(600, dtype=np.float32).reshape(200, 3)
    total = placeholder(graph, "x", [200, 3]) + placeholder(graph, "y", [3]) + weights
    path = tmp_path_factory.mktemp("cli") / "m.smr"
    signatures = [
        Signature({"sum": total, "positive": graph.b.relu(total, name="positive")}),
        Signature(
            {"r": graph.b.relu(placeholder(graph, "z", [None, 2]))},
            shapes={"z": [Dim("n", 1, 4), 2]},
            name="other",
        ),
    ]
    export_model(signatures, path, metadata={"author": "nobody"})
    return path


class Result:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def samara(capsys: pytest.CaptureFixture[str]):
    """Runs a command in this process."""

    def run(*words: object) -> Result:
        try:
            status = main([str(w) for w in words])
        except SystemExit as stop:
            status = int(stop.code or 0)
        return Result(status, *capsys.readouterr())

    return run


def process(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "samara.cli", *map(str, words)]
    return subprocess.run(command, text=True, capture_output=True, check=False, **options)


def refused(result: Result, command: str, words: str, status: int = 1) -> None:
    """One line on stderr that names the command; nothing on stdout."""
    assert (result.status, result.out) == (status, "")
    assert re.fullmatch(rf"samara {command}: .*{words}.*\n", result.err), result.err


# ---- Help and usage ------------------------------------------------------------------------------------------


def test_help(samara) -> None:
    shown = samara("--help")
    assert shown.status == 0
    assert all(re.search(rf"^ +{command} +\w", shown.out, re.MULTILINE) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command: str, samara) -> None:
    shown = samara(command, "--help")
    assert shown.status == 0
    assert f"\n  samara {command} " in shown.out, "an example"
    options = {line.split()[0].rstrip(",") for line in shown.out.splitlines() if line.startswith("  -")}
    example = re.findall(r"(--\w+)", shown.out.partition(f"\n  samara {command} ")[2].partition("\n")[0])
    assert set(example) <= options
    for line in shown.out.splitlines():
        assert len(line) <= 120


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nothing"],
        ["inspect"],
        ["run", "a", "b"],
        ["bench", "a", "--seconds", "x"],
        ["bench", "a", "--threads", "0"],
        ["verify", "--what"],
    ],
)
def test_wrong_usage(words: list[str], samara) -> None:
    shown = samara(*words)
    assert (shown.status, shown.out) == (2, "")
    assert "usage: samara" in shown.err


@pytest.mark.parametrize("command", ["inspect", "run", "bench", "verify"])
def test_bad_files(command: str, samara, model: Path, tmp_path: Path) -> None:
    refused(samara(command, tmp_path / "none.smr"), command, "no such file")
    (tmp_path / "bad.smr").write_bytes(bytes(100))
    refused(samara(command, tmp_path / "bad.smr"), command, "SMR_ERROR_FORMAT")
    (tmp_path / "cut.smr").write_bytes(model.read_bytes()[:-500])
    assert samara(command, tmp_path / "cut.smr").status == 1


def test_as_a_program(model: Path) -> None:
    done = process("verify", model)
    assert (done.returncode, done.stderr) == (0, "")
    done = process("verify", "none.smr")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away(model: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "samara.cli", "inspect", model],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


# ---- inspect -------------------------------------------------------------------------------------------------


def test_inspect(samara, model: Path) -> None:
    shown = samara("inspect", model)
    assert (shown.status, shown.err) == (0, "")
    opened = load(model)
    for words in (
        f"{model}: format 1",
        opened.content_hash,
        "metadata author: nobody",
        "dimension n: 1..4",
        "signature main",
        "signature other",
        "input  x: f32[200,3]",
        "input  z: f32[n,2]",
        "output positive: f32[200,3]",
        "memory plan of main",
        "what makes the file large",
        f"{opened.memory.file:,} B",
    ):
        assert words in shown.out
    for signature in opened.signatures:
        for op in opened.ops(signature):
            assert re.search(
                rf"^ +\d+  {re.escape(op.name)} +{op.op}  .* -> .*  \[{op.kernel}\]$", shown.out, re.M
            )
    largest = shown.out.partition("what makes the file large\n")[2].splitlines()[0]
    assert largest.split()[:2] == ["2,400", "B"]


def test_inspect_ops(samara, model: Path) -> None:
    shown = samara("inspect", model, "--ops")
    assert shown.out.split() == sorted({op.op for s in ("main", "other") for op in load(model).ops(s)})


def test_inspect_json(samara, model: Path) -> None:
    told = json.loads(samara("inspect", model, "--json").out)
    opened = load(model)
    assert told["content_hash"] == opened.content_hash
    assert told["memory"]["file"] == model.stat().st_size
    assert told["dimensions"] == {"n": [1, 4]}
    main, other = told["signatures"]
    assert [t["name"] for t in main["inputs"]] == ["x", "y"]
    assert main["inputs"][0]["shape"] == [200, 3]
    assert other["inputs"][0]["dimensions"] == ["n", None]
    assert len(main["ops"]) == len(opened.ops("main"))
    assert (
        max(t["offset"] + t["bytes"] for t in main["tensors"] if t["storage"] == "arena")
        <= main["arena_bytes"]
    )


def test_inspect_without_a_painter(
    samara, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    shown = samara("inspect", model, "--picture", tmp_path / "plan.png")
    assert shown.status == 1
    assert re.search(r"samara inspect: .*matplotlib.*pip install", shown.err)


def test_inspect_picture(samara, model: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib").use("agg")
    assert samara("inspect", model, "--picture", tmp_path / "plan.png").status == 0
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")


# ---- run -----------------------------------------------------------------------------------------------------


def test_run_on_zeros(samara, model: Path) -> None:
    shown = samara("run", model)
    assert shown.status == 0
    assert "sum float32[200, 3]\n" in shown.out
    assert "positive float32[200, 3]\n" in shown.out


def test_run_on_files(samara, model: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(2).standard_normal((200, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    assert (
        samara("run", model, "--input", f"x={tmp_path / 'x.npy'}", "--output", tmp_path / "out.npz").out == ""
    )
    with np.load(tmp_path / "out.npz") as written:
        expected = load(model).run(x, np.zeros(3, np.float32))
        assert set(written) == set(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(written[name], array)


def test_run_a_signature(samara, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.float32([[-1, 2]]))
    shown = samara("run", model, "--signature", "other", "--input", f"z={tmp_path / 'z.npy'}")
    assert shown.out == "r float32[1, 2]\n[[0. 2.]]\n"


def test_run_refusals(samara, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "double.npy", np.zeros((200, 3)))
    np.save(tmp_path / "short.npy", np.zeros((1, 3), np.float32))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no array")
    (tmp_path / "empty.npy").touch()
    for given, words in {
        "x": "is not NAME=FILE.npy",
        f"x={tmp_path / 'none.npy'}": "No such file",
        f"x={tmp_path / 'double.npy'}": "float64",
        f"x={tmp_path / 'short.npy'}": r"shape \[1, 3\]",
        f"x={tmp_path / 'objects.npy'}": r"objects\.npy is not a \.npy file of numbers$",
        f"x={tmp_path / 'text.npy'}": r"text\.npy is not a \.npy file of numbers",
        f"x={tmp_path / 'empty.npy'}": r"empty\.npy is not a \.npy file of numbers",
        f"w={tmp_path / 'short.npy'}": "no input 'w'",
    }.items():
        refused(samara("run", model, "--input", given), "run", words)
    refused(
        samara("run", model, "--signature", "none"), "run", "no signature 'none'; the file has main, other"
    )
    refused(samara("run", model, "--output", tmp_path / "none" / "o.npz"), "run", "No such file")


# ---- bench and verify ----------------------------------------------------------------------------------------


def test_bench(samara, model: Path) -> None:
    shown = samara("bench", model, "--seconds", 0)
    assert (shown.status, shown.err) == (0, "")
    assert re.search(r"median [\d.]+ us, p10 [\d.]+, p90 [\d.]+ over \d+ runs", shown.out)
    for op in load(model).ops():
        assert op.name in shown.out


def test_bench_json(samara, model: Path) -> None:
    arguments = ("--seconds", "0.05", "--signature", "other", "--threads", "1,3", "--json")
    told = json.loads(samara("bench", model, *arguments).out)
    assert told["signature"] == "other"
    assert list(told["threads"]) == ["1", "3"]
    for latency in told["threads"].values():
        assert 0 < latency["p10_us"] <= latency["median_us"] <= latency["p90_us"]
        assert latency["runs"] >= 1
    assert told["first_us"] > 0
    assert told["file_bytes"] == model.stat().st_size
    assert told["context_bytes"] > told["arena_bytes"] > 0
    assert [(row["op"], row["macs"], row["gmacs"]) for row in told["ops"]] == [("relu", None, None)]


def test_bench_tells_how_much_of_the_limit_an_op_reaches(samara, tmp_path: Path) -> None:
    graph = Graph()
    y = graph.b.conv2d(
        placeholder(graph, "x", [1, 8, 8, 4]), np.ones((3, 3, 4, 16), np.float32), padding="same"
    )
    export_model(graph.b.abs(y), tmp_path / "conv.smr")
    rates = {"float32 ymm": 30.0, "float32 zmm": 60.0, "int8 dot": 200.0}
    reads = {"L1": 40.0, "L2": 5.0, "memory": 1.0}
    limits = {
        "machine": {"caches": {"L1": 9000, "L2": 1 << 20}, "limits": {"1": {"rates": rates, "reads": reads}}}
    }
    (tmp_path / "run.json").write_text(json.dumps(limits))
    shown = samara("bench", tmp_path / "conv.smr", "--seconds", 0, "--limits", tmp_path / "run.json")
    line = next(line for line in shown.out.splitlines() if " conv2d " in line).split()
    microseconds, millions, rate, part = (float(line[i].rstrip("%")) for i in (3, 5, 6, 7))
    assert millions == pytest.approx(64 * 9 * 4 * 16 / 1e6, abs=1e-3)
    assert rate == pytest.approx(millions * 1e3 / microseconds, rel=0.05)
    assert part == pytest.approx(100 * rate / 60, abs=0.1)
    # 64 pixels of 16 numbers are read and written.
    line = next(line for line in shown.out.splitlines() if " abs " in line).split()
    assert float(line[-1].rstrip("%")) == pytest.approx(100 * 8192 / 40e3 / float(line[3]), rel=0.1)
    told = json.loads(
        samara(
            "bench", tmp_path / "conv.smr", "--seconds", 0, "--json", "--limits", tmp_path / "run.json"
        ).out
    )
    assert told["limits"] == {
        "float32": 60.0,
        "int8": 200.0,
        "levels": [[9000, 40.0], [1 << 20, 5.0]],
        "memory": 1.0,
    }
    (row,) = [row for row in told["ops"] if row["op"] == "abs"]
    assert row["least_bytes"] == 8192
    assert row["of_limit"] == pytest.approx(8192 / 40e3 / row["microseconds"])
    refused(
        samara("bench", tmp_path / "conv.smr", "--limits", tmp_path / "conv.smr"),
        "bench",
        "is not the JSON that `make bench` writes",
    )


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_bench_measures_the_limit(samara, tmp_path: Path, monkeypatch) -> None:
    graph = Graph()
    y = graph.b.conv2d(placeholder(graph, "x", [1, 8, 8, 4]), np.ones((3, 3, 4, 16), np.float32))
    export_model(y, tmp_path / "conv.smr")
    told = json.loads(samara("bench", tmp_path / "conv.smr", "--seconds", 0, "--json").out)
    levels = told["limits"]["levels"]
    assert levels == sorted(levels)
    assert 0 < told["limits"]["memory"] < max((rate for _, rate in levels), default=1e6)
    assert all(0 < op["of_limit"] < 1 for op in told["ops"])
    assert told["limits"]["int8"] >= told["limits"]["float32"] > max(op["gmacs"] or 0 for op in told["ops"])
    assert "of limit" in samara("bench", tmp_path / "conv.smr", "--seconds", 0).out
    monkeypatch.setenv("CC", str(tmp_path / "none"))
    shown = samara("bench", tmp_path / "conv.smr", "--seconds", 0).out
    assert "of limit" not in shown
    assert "no C compiler" in shown


def test_bench_refusals(samara, model: Path) -> None:
    refused(
        samara("bench", model, "--signature", "none"),
        "bench",
        "no signature 'none'; the file has main, other",
    )
    refused(samara("bench", model, "--threads", "33"), "bench", "33 threads instead of 1 to 32")
    for option, text, words in (
        ("--threads", "0", "'0' is not numbers of threads, as 1 or 1,2"),
        ("--threads", "1,x", "'1,x' is not numbers of threads, as 1 or 1,2"),
        ("--threads", "", "'' is not numbers of threads, as 1 or 1,2"),
        ("--seconds", "-1", "'-1' is not a number of at least 0"),
        ("--seconds", "nan", "'nan' is not a number of at least 0"),
        ("--seconds", "soon", "'soon' is not a number of at least 0"),
    ):
        shown = samara("bench", model, f"{option}={text}")
        assert (shown.status, shown.out) == (2, "")
        assert shown.err.endswith(f"samara bench: error: argument {option}: {words}\n")


def test_verify(samara, model: Path, tmp_path: Path) -> None:
    shown = samara("verify", model)
    assert (shown.status, shown.out) == (
        0,
        f"{model}: sound, content as written, 2 golden cases reproduced\n",
    )
    data = bytearray(model.read_bytes())
    place = data.index(np.arange(600, dtype=np.float32).tobytes()[:64])
    data[place + 5] ^= 1
    (tmp_path / "flipped.smr").write_bytes(data)
    refused(samara("verify", tmp_path / "flipped.smr"), "verify", "SMR_ERROR_HASH")


# ---- export --------------------------------------------------------------------------------------------------


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.py"
    path.write_text(SOURCE)
    (tmp_path / "helper.py").write_text("WEIGHTS = [1, -2, 3]\n")
    return path


def test_export(samara, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "helper", raising=False)
    path = tmp_path / "m.smr"
    shown = samara("export", f"{source}:build", path)
    assert (shown.status, shown.err) == (0, "")
    assert "m.smr" in shown.out
    model = load(path)
    assert model.metadata == {"author": "nobody"}
    np.testing.assert_array_equal(model(np.zeros((2, 3), np.float32)), [[1, 0, 3]] * 2)
    assert samara("verify", path).status == 0
    fused = {op.op for op in model.ops()}
    assert (
        samara("export", f"{source}:build", path, "--disable", "dead_code", "--disable", "identities").status
        == 0
    )
    assert fused == {op.op for op in load(path).ops()}
    shown = samara("export", f"{source}:trained", path)
    assert shown.status == 0
    assert "left out  random_uniform" in shown.out
    assert [op.op for op in load(path).ops()] == ["relu"]
    assert samara("export", f"{source}:build", path, "--precision", "float16").status == 0
    assert "cast" in {op.op for op in load(path).ops()}
    refused(samara("export", f"{source}:build", path, "--disable", "none"), "export", "none")


def test_export_refusals(samara, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "helper", raising=False)
    path = tmp_path / "m.smr"
    refused(samara("export", source, path), "export", "is neither a model file nor FILE.py:FUNCTION")
    refused(samara("export", f"{tmp_path / 'none.py'}:build", path), "export", "is not a Python file")
    refused(samara("export", f"{source}:other", path), "export", "has no function 'other'")
    refused(samara("export", f"{source}:text", path), "export", "has no function 'text'")
    refused(
        samara("export", f"{source}:nothing", path),
        "export",
        "nothing must return the arguments of export_model",
    )
    shown = samara("export", f"{source}:unset", path)
    assert shown.status == 1
    assert "'unset'" in shown.err
    with pytest.raises(ZeroDivisionError):
        samara("export", f"{source}:crash", path)
    assert not path.exists()
