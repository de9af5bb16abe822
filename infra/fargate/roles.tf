# What each kind of task may do: docs/deploy-aws.md ("Without Lambda") says why, and a test holds the two together.
data "aws_iam_policy_document" "tasks" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "receiver" {
  statement {
    sid       = "KeepEvents"
    actions   = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem"]
    resources = [aws_dynamodb_table.store.arn]
  }

  statement {
    sid       = "EnqueueTasks"
    actions   = ["sqs:SendMessage", "sqs:GetQueueUrl"]
    resources = [aws_sqs_queue.tasks.arn]
  }
}

data "aws_iam_policy_document" "worker" {
  source_policy_documents = [data.aws_iam_policy_document.receiver.json]

  statement {
    sid       = "ReadAndRemoveRecords"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.store.arn]
  }

  statement {
    sid       = "ListRecords"
    actions   = ["dynamodb:Query"]
    resources = ["${aws_dynamodb_table.store.arn}/index/*"]
  }

  statement {
    sid       = "TakeTasks"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
    resources = [aws_sqs_queue.tasks.arn]
  }

  statement {
    sid       = "KeepDocuments"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    resources = ["${aws_s3_bucket.spool.arn}/documents/*"]
  }

  statement {
    sid       = "ListDocuments"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.spool.arn]
  }
}

resource "aws_iam_role" "receiver" {
  name_prefix        = "${var.name}-receiver-"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy" "receiver" {
  name   = "receiver"
  role   = aws_iam_role.receiver.id
  policy = data.aws_iam_policy_document.receiver.json
}

resource "aws_iam_role" "worker" {
  name_prefix        = "${var.name}-worker-"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy" "worker" {
  name   = "worker"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.worker.json
}

resource "aws_iam_role_policy" "delivery" {
  name   = "delivery"
  role   = aws_iam_role.worker.id
  policy = var.delivery_policy_json
}

# What ECS itself does for a task: pulls the image, reads the secrets, writes the logs.
resource "aws_iam_role" "start" {
  name_prefix        = "${var.name}-start-"
  assume_role_policy = data.aws_iam_policy_document.tasks.json
}

resource "aws_iam_role_policy_attachment" "start" {
  role       = aws_iam_role.start.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "secrets" {
  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:GetSecretValue", "ssm:GetParameters"]
    # Behind a secret's ARN a task definition may name a JSON key, a stage and a version (`:KEY::`); IAM knows only the ARN.
    resources = distinct([for arn in values(var.secrets) : replace(arn, "/(:secret:[^:]+):.*/", "$1")])
  }
}

resource "aws_iam_role_policy" "secrets" {
  name   = "secrets"
  role   = aws_iam_role.start.id
  policy = data.aws_iam_policy_document.secrets.json
}
