# Receivers behind the load balancer, and workers that nobody calls: the same image with two commands.
data "aws_region" "current" {}

locals {
  settings = merge({
    AWS_REGION                = data.aws_region.current.name
    LLAMA_CLOUD_BASE_URL      = var.llama_cloud_base_url
    MAILROOM_CONFIG           = "/etc/mailroom/mailroom.yaml"
    MAILROOM_OPERATOR_ADDRESS = ""
    MAILROOM_PUBLIC_URL       = var.public_url
    MAILROOM_QUEUE            = "sqs://${aws_sqs_queue.tasks.name}"
    MAILROOM_REQUIRE          = "headers,token,signature"
    MAILROOM_SPOOL            = "s3://${aws_s3_bucket.spool.bucket}/documents/"
    MAILROOM_STORE            = "dynamodb://${aws_dynamodb_table.store.name}"
  }, var.environment)

  container = {
    image     = var.image
    essential = true
    user      = "10001"
    # Scratch files of packets go to /tmp, which is a volume of the task; nothing else is written.
    readonlyRootFilesystem = true
    mountPoints            = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    stopTimeout            = 60
    environment            = [for name, value in local.settings : { name = name, value = value }]
    secrets                = [for name, arn in var.secrets : { name = name, valueFrom = arn }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.logs.name
        awslogs-region        = data.aws_region.current.name
        awslogs-stream-prefix = var.name
      }
    }
  }
}

resource "aws_ecs_cluster" "cluster" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "receiver" {
  family                   = "${var.name}-receiver"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 512
  memory                   = 1024
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.receiver.arn

  container_definitions = jsonencode([merge(local.container, {
    name         = "receiver"
    command      = ["mailroom", "serve", "--no-worker", "--host", "0.0.0.0", "--port", "8080"]
    portMappings = [{ containerPort = 8080, protocol = "tcp" }]
    healthCheck = {
      command  = ["CMD", "python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/livez', timeout=2)"]
      interval = 10
      timeout  = 5
      retries  = 3
    }
  })])

  volume {
    name = "tmp"
  }
}

resource "aws_ecs_task_definition" "worker" {
  family                   = "${var.name}-worker"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 1024
  memory                   = 2048
  execution_role_arn       = aws_iam_role.start.arn
  task_role_arn            = aws_iam_role.worker.arn

  # It listens on no port: ECS replaces a process that ends, and the store a task whose lease is over.
  container_definitions = jsonencode([merge(local.container, {
    name    = "worker"
    command = ["mailroom", "worker"]
  })])

  volume {
    name = "tmp"
  }
}

resource "aws_security_group" "tasks" {
  name_prefix = "${var.name}-"
  description = "Mailroom: receivers from the load balancer, everybody to LlamaCloud and AWS"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "from_load_balancer" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "the webhook and its health check"
  referenced_security_group_id = var.load_balancer_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 8080
  to_port                      = 8080
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.tasks.id
  description       = "LlamaCloud and AWS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_lb_target_group" "receiver" {
  name_prefix          = "mail-"
  port                 = 8080
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = 45

  health_check {
    path                = "/readyz"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener_rule" "receiver" {
  listener_arn = var.listener_arn

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.receiver.arn
  }

  condition {
    path_pattern {
      values = ["/webhooks/llamacloud"]
    }
  }
}

resource "aws_ecs_service" "receiver" {
  name            = "receiver"
  cluster         = aws_ecs_cluster.cluster.id
  task_definition = aws_ecs_task_definition.receiver.arn
  desired_count   = var.receivers
  launch_type     = "FARGATE"
  # An old receiver stays until a new one is healthy: no event meets a closed door.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.tasks.id]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.receiver.arn
    container_name   = "receiver"
    container_port   = 8080
  }

  depends_on = [aws_lb_listener_rule.receiver]
}

resource "aws_ecs_service" "worker" {
  name            = "worker"
  cluster         = aws_ecs_cluster.cluster.id
  task_definition = aws_ecs_task_definition.worker.arn
  desired_count   = var.workers
  launch_type     = "FARGATE"

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.subnet_ids
    security_groups = [aws_security_group.tasks.id]
  }
}
