"""The application on the engine: event handlers, destinations, alert channels, Lambda functions, composition root."""
