"""Networks that look at images: a registry, a cache that is checked, and one interface over ONNX Runtime.

This part of the sensors is the sole user of onnxruntime. `estimate.pixels` says what its results look like.
"""

from __future__ import annotations

from jwo_cli.sensors.models.opening import has_weights, open_crop_poses, open_detector, open_embedder, open_poses

__all__ = ["has_weights", "open_crop_poses", "open_detector", "open_embedder", "open_poses"]
