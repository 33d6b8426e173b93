"""Export to formats that other programs run: ONNX and torch.export."""
