"""Task queues, which wake workers: in one process, or SQS. The store says what is due; a lost message costs a delay."""
