"""Well-known architectures through both of torch's ways out, one process each, and what came of them as a table.

`python -m tests.exporter.frontends.survey [--write docs/architectures.md] [NAME ...]`
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

HEAD = Path(__file__).with_name("survey_head.md")
SECONDS = 600
# What both ways may differ by: the 1e-4 that each is held to, of the largest value.
TOLERANCE = 1e-4


def compare(name: str, folder: Path) -> dict[str, Any]:
    """Exports an architecture from torch and from the ONNX model that torch writes of it; runs module and files.

    Returns:
        Ops, bytes, seconds and largest relative differences by column; for a way that failed, the reason.
    """
    warnings.filterwarnings("ignore")
    import torch

    from samara.errors import SamaraError
    from samara.exporter.export import export_model
    from samara.pyruntime.model import load
    from tests.exporter.frontends import architectures

    module, inputs = architectures.build(name)
    with torch.no_grad():
        expected = {k: v.numpy() for k, v in module(**inputs).items()}
    given = {n: t.numpy() for n, t in inputs.items()}
    row: dict[str, Any] = {"name": name}
    found: dict[str, Mapping[str, Any]] = {}
    for way in ("torch", "onnx"):
        path = folder / f"{way}.smr"
        try:
            source, more = (module, inputs) if way == "torch" else (_onnx(module, inputs), None)
            start = time.perf_counter()
            report = export_model(source, path, inputs=more)
        except SamaraError as error:
            row[way] = {"failed": str(error)}
            continue
        except Exception as error:
            # torch.onnx.export has errors of all kinds.
            row[way] = {"failed": f"torch cannot write it as ONNX: {str(error).strip().splitlines()[0]}"}
            continue
        seconds = time.perf_counter() - start
        outputs = load(path).context().run(**given)
        found[way] = outputs if isinstance(outputs, dict) else {next(iter(expected)): outputs}
        ops = sum((p.ops for p in report.programs[1:]), report.programs[0].ops)
        row[way] = {
            "ops": sum(ops.values()),
            "transposes": ops["transpose"],
            "weights": report.constant_bytes,
            "arena": report.arena_bytes,
            "seconds": seconds,
            "error": largest(found[way], expected),
        }
    if len(found) == 2:
        row["apart"] = largest(found["onnx"], found["torch"])
    return row


def _onnx(module: Any, inputs: Mapping[str, Any]) -> Any:
    import torch

    names = list(module(**inputs))
    return torch.onnx.export(
        module,
        kwargs=dict(inputs),
        input_names=list(inputs),
        output_names=names,
        dynamo=True,
        verbose=False,
    ).model_proto


def largest(found: Mapping[str, Any], expected: Mapping[str, Any]) -> float:
    """The largest difference of any output over that output's largest magnitude."""
    assert set(found) == set(expected), f"outputs {sorted(found)}, not {sorted(expected)}"
    errors = []
    for name, value in expected.items():
        assert found[name].shape == value.shape
        difference = np.abs(found[name].astype(np.float64) - value.astype(np.float64))
        errors.append(float(difference.max(initial=0.0) / max(np.abs(value).max(initial=0.0), 1e-30)))
    return max(errors)


def _apart(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.exporter.frontends.survey", "--worker", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return {"name": name, "torch": {"failed": f"more than {SECONDS} s"}, "onnx": {"failed": "-"}}
    if done.returncode:
        reason = f"exit {done.returncode}: {done.stderr.strip().splitlines()[-1:]}"
        return {"name": name, "torch": {"failed": reason}, "onnx": {"failed": "-"}}
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown: figures that every machine gives alike, and what failed."""
    lines = [
        "| architecture | weights | ops, from torch / ONNX | transposes | arena | apart |",
        "|---|---|---|---|---|---|",
    ]
    failed = []
    for row in rows:
        ways = [row[way] for way in ("torch", "onnx")]

        def both(column: str, form: str = "{:,}", ways: list[dict[str, Any]] = ways) -> str:
            return " / ".join("-" if "failed" in w else form.format(w[column]) for w in ways)

        weights = max((w.get("weights", 0) for w in ways), default=0)
        within = (
            "-" if "apart" not in row else ("yes" if row["apart"] <= TOLERANCE else f"{row['apart']:.1e}")
        )
        lines.append(
            f"| {row['name']} | {weights:,} B | {both('ops')} | {both('transposes')} | {both('arena')} | {within} |"
        )
        failed += [
            f"- {row['name']} from {w}: {row[w]['failed']}" for w in ("torch", "onnx") if "failed" in row[w]
        ]
    lines[0] = lines[0].replace("apart", f"the same within {TOLERANCE:g}")
    return "\n".join(lines + (["", "What failed:", "", *failed] if failed else [])) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Prints a line for each architecture; 1 when one failed or is farther off than it may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="the Markdown file to write")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args(arguments)
    if options.worker:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(compare(options.names[0], Path(folder))))
        return 0

    from tests.exporter.frontends import architectures

    rows = []
    bad = 0
    for name in options.names or architectures.NAMES:
        row = _apart(name)
        rows.append(row)
        texts = []
        for way in ("torch", "onnx"):
            found = row[way]
            if "failed" in found:
                bad += 1
                texts.append(f"{way}: {found['failed']}")
                continue
            bad += found["error"] > TOLERANCE
            texts.append(
                f"{way}: {found['ops']} ops, {found['transposes']} transposes, {found['error']:.1e} of torch, "
                f"{found['seconds']:.1f} s"
            )
        print(
            f"{name}: " + "; ".join(texts) + (f"; apart {row['apart']:.1e}" if "apart" in row else ""),
            flush=True,
        )
    if options.write:
        options.write.write_text(HEAD.read_text() + table(rows))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
