"""The gate's judgment: metrics, intervals and conditions, from arrays in memory."""
