from __future__ import annotations

import pytest

pytest.importorskip("onnx", reason="the ONNX front-end needs onnx: pip install samara[onnx]")
