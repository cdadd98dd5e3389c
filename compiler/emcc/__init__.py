"""emcc: ONNX in, compressed sparse accelerator (EIE) out, proven bit for bit."""

__version__ = "0.1.0"
