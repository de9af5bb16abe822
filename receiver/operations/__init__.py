"""What goes on beside the pipeline: sweep, monitor, retention; and what a person asks for: replay, routing by hand."""
