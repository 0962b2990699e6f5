"""The networks: autoencoder, text encoder, transformer. No training, no sampling, no theatre."""
