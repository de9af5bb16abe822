"""Task queues, which wake workers: in one process, or SQS. The store has the tasks; a lost message costs a delay."""
