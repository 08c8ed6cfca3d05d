"""The judgment: metrics, their intervals, and the gate's conditions held against them; no files, no TFX."""
