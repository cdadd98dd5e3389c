"""Numbers: sizes, cycles, accuracy, agreement with onnxruntime."""
