"""What happens after the push: a folder of versions and SavedModels."""
