"""Parts of the Open Inference Protocol that HTTP and gRPC share: models and tensors."""
