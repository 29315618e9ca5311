from __future__ import annotations

import pytest

pytest.importorskip("tflite", reason="the TFLite front-end needs tflite: pip install samara[tflite]")
