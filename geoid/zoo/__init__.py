"""Models: cards, builders that turn packaged weights into ONNX, the library of built files."""
