"""Encoders and kept classifiers as ONNX files, for programs without torch."""
