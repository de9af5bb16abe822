output "table" {
  value = aws_dynamodb_table.store.name
}

output "queue_url" {
  value = aws_sqs_queue.tasks.url
}

output "spool" {
  value = aws_s3_bucket.spool.bucket
}

output "worker_role_arn" {
  value = aws_iam_role.worker.arn
}
