"""Opening files: good ones from a path and from memory, and everything that must be refused."""

from __future__ import annotations

import gc
import re
import weakref
from pathlib import Path

import numpy as np
import pytest

import samara
from samara.errors import ExecutionError, ModelFileError, ResourceStatusError, SamaraError
from samara.pyruntime.abilities import kernels
from samara.pyruntime.model import Model, load

X, Y = np.ones((2, 3), np.float32), np.array([1, 2, 3], np.float32)


@pytest.mark.parametrize("kind", [str, Path, bytes, bytearray, memoryview])
def test_from_a_path_or_from_memory(kind: type, sums: Path) -> None:
    given = kind(sums) if kind in (str, Path) else kind(sums.read_bytes())
    model = samara.load(given)
    assert isinstance(model, Model)
    assert (model.path == sums) is (kind in (str, Path))
    np.testing.assert_array_equal(model.run(X, Y)["total"], load(sums).run(X, Y)["total"])


def test_memory_is_copied(sums: Path) -> None:
    data = bytearray(sums.read_bytes())
    model = load(data)
    expected = model.run(X, Y)["total"]
    data[:] = bytes(len(data))
    np.testing.assert_array_equal(model.run(X, Y)["total"], expected)
    model.verify()


def test_an_open_file_may_be_replaced(sums: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.smr"
    path.write_bytes(sums.read_bytes())
    model = load(path)
    path.unlink()
    model.verify()


def test_a_name_outside_ascii(sums: Path, tmp_path: Path) -> None:
    path = tmp_path / "модель é.smr"
    path.write_bytes(sums.read_bytes())
    assert "модель é.smr" in repr(load(path))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ResourceStatusError, match=r"none\.smr.*no such file") as caught:
        load(tmp_path / "none.smr")
    assert caught.value.status == 301
    with pytest.raises(ResourceStatusError, match="not a file"):
        load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"S", b"SMR1", bytes(64), b"\xff" * 4096, b"PK\x03\x04" + bytes(1000)])
def test_no_samara_file(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.smr"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(ModelFileError, match="SMR_ERROR_FORMAT") as caught:
            load(source)
        assert caught.value.status == 200


def test_every_shorter_file_is_refused(sums: Path) -> None:
    data = sums.read_bytes()
    for size in range(0, len(data), 7):
        with pytest.raises(ModelFileError):
            load(data[:size])


def test_every_flipped_byte_is_noticed(sums: Path) -> None:
    data = bytearray(sums.read_bytes())
    missed = []
    for i in range(len(data)):
        data[i] ^= 0x55
        try:
            load(data).verify()
            missed.append(i)
        except ModelFileError:
            pass
        data[i] ^= 0x55
    assert missed == []
    load(data).verify()


def test_golden_cases_are_the_truth_of_the_file(sums: Path) -> None:
    model = load(sums)
    ((inputs, outputs),) = model.golden()
    assert [a.shape for a in inputs] == [(2, 3), (3,)]
    found = model.run(*inputs)
    for name, expected in zip(("total", "positive"), outputs, strict=True):
        np.testing.assert_array_equal(found[name], expected)


def with_hash(data: bytes) -> bytes:
    """A file whose hash fits its content again."""
    import hashlib

    stored = bytes.fromhex(load(data).content_hash)
    assert data.count(stored) == 1
    blank = data.replace(stored, bytes(32))
    return data.replace(stored, hashlib.sha256(blank).digest())


def test_a_wrong_golden_output_is_noticed(sums: Path) -> None:
    data = sums.read_bytes()
    assert with_hash(data) == data
    (_, (total, _)) = load(data).golden()[0]
    assert data.count(total.tobytes()) == 1
    wrong = total.copy()
    wrong[1, 2] += 1
    with pytest.raises(ExecutionError, match="total") as caught:
        load(with_hash(data.replace(total.tobytes(), wrong.tobytes()))).verify()
    assert caught.value.status == 402
    nearly = total.copy()
    nearly[1, 2] = np.nextafter(nearly[1, 2], np.float32(np.inf))
    close = load(with_hash(data.replace(total.tobytes(), nearly.tobytes())))
    close.verify()
    with pytest.raises(ExecutionError):
        close.verify(tolerance=0.0)


def test_what_a_file_tells(sums: Path, rows: Path, counter: Path) -> None:
    model = load(sums)
    assert re.fullmatch(
        r"Model\('sums.smr', x: f32\[2,3\], y: f32\[3\] -> total: f32\[2,3\], positive: f32\[2,3\], "
        r"arena=\d+\.\d KiB\)",
        repr(model),
    )
    assert "<bytes>" in repr(load(sums.read_bytes()))
    assert "x: f32[n,3], y: f32[n,3] -> r: f32[8,3]" in repr(load(rows))
    assert "add: x: f32[2] -> total: f32[2]; read:  -> total: f32[2]" in repr(load(counter))
    assert model.metadata == {"author": "nobody"}
    assert model.dimensions == {}
    assert load(rows).dimensions == {"n": (1, 8)}
    assert (model.format_version, model.least_runtime) == (1, "0.1.0")
    assert re.fullmatch("[0-9a-f]{64}", model.content_hash)
    assert list(load(counter).signatures) == ["add", "read"]
    with pytest.raises(KeyError, match="no signature 'main'; the file has add, read"):
        load(counter).ops("main")


def test_memory_is_that_of_the_file(sums: Path, rows: Path, counter: Path) -> None:
    for path in (sums, rows, counter):
        model = load(path)
        memory = model.memory
        assert memory.file == path.stat().st_size
        assert memory.arena == max(s.arena_bytes for s in model.signatures.values())
        assert memory.context >= memory.arena + memory.state
        tensors = [t for s in model.signatures for t in model.tensors(s)]
        for tensor in tensors:
            room = {"arena": memory.arena, "state": memory.state, "constant": memory.file}[tensor.storage]
            assert 0 <= tensor.offset <= tensor.offset + tensor.bytes <= room, tensor
        constants = {t.offset: t.bytes for t in tensors if t.storage == "constant"}
        assert sum(constants.values()) <= memory.constants <= memory.file
        lines = str(memory).splitlines()
        assert len(lines) == 5
        assert f"{memory.file:,} B" in lines[0]
    assert load(counter).memory.state >= 8


def test_ops_use_kernels_of_this_build(sums: Path) -> None:
    model = load(sums)
    have = set(kernels())
    for op in model.ops():
        assert (op.op, op.kernel) in have
        assert all(-1 <= i < len(model.tensors()) for i in op.inputs + op.outputs)


def test_a_context_keeps_its_model(sums: Path) -> None:
    model = load(sums)
    context = model.context()
    expected = model.run(X, Y)["total"]
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is not None
    np.testing.assert_array_equal(context.run(X, Y)["total"], expected)
    del context
    gc.collect()
    assert gone() is None


def test_outputs_outlive_everything(sums: Path) -> None:
    outputs = load(sums).run(X, Y)
    tables = load(sums).golden()
    gc.collect()
    assert outputs["total"].flags.owndata or outputs["total"].base is not None
    assert np.isfinite(outputs["total"]).all()
    assert np.isfinite(tables[0][1][0]).all()


def test_an_error_of_the_runtime_is_an_error_of_the_package(tmp_path: Path) -> None:
    with pytest.raises(SamaraError):
        load(tmp_path / "none.smr")
