"""What HTTP and gRPC share of the Open Inference Protocol: models, and tensors."""
