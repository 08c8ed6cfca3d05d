"""Commands about the installation: config, embeddings, doctor."""
