"""The studies: early stopping, few labels."""
