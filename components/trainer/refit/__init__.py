"""The refit on train and eval, and cross-fitting for few examples."""
