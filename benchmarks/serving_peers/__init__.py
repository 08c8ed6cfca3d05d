"""Speed of `greenlight serve`, beside other model servers on the same model."""
