"""Training: joins models, flow and data. Never the pipeline."""
