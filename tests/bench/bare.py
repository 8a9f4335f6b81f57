"""The bare baseline: what a script of thirty lines does with the same libraries and the same model file.

Usage: python bare.py MODEL.onnx PHOTO...
"""

import io
import sys

import exifread
import numpy as np
import onnxruntime as ort
from PIL import Image, ImageOps

SIZE, RESIZE = 260, 292


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def pixels(data):
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (2 * RESIZE, 2 * RESIZE))
    image = ImageOps.exif_transpose(image).convert("RGB")
    side = min(image.size) * SIZE / RESIZE
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box))


def scores(model, data):
    (logits,) = model.run(None, {model.get_inputs()[0].name: pixels(data)[None]})
    weights = np.exp(logits[0] - logits[0].max())
    return weights / weights.sum()


if __name__ == "__main__":
    net = session(sys.argv[1])
    for name in sys.argv[2:]:
        with open(name, "rb") as file:
            photo = file.read()
        tags = exifread.process_file(io.BytesIO(photo), details=False)
        found = scores(net, photo)
        print(name, tags.get("GPS GPSLatitude"), [(int(i), float(found[i])) for i in np.argsort(-found)[:5]])
