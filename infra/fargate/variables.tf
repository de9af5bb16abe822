variable "name" {
  description = "Of everything that is made: lower-case letters, digits and hyphens."
  type        = string
  default     = "mailroom"
}

variable "image" {
  description = "An image made from infra/Dockerfile, with your table at /etc/mailroom/mailroom.yaml."
  type        = string
}

variable "public_url" {
  description = "Where LlamaCloud calls: https://, the name of the load balancer's certificate."
  type        = string
}

variable "vpc_id" {
  type = string
}

variable "subnet_ids" {
  description = "Private subnets of at least two zones, with a way to LlamaCloud and AWS (NAT or endpoints)."
  type        = list(string)
}

variable "listener_arn" {
  description = "The HTTPS listener of your load balancer; the rule for the webhook is added to it."
  type        = string
}

variable "load_balancer_security_group_id" {
  description = "Whose members alone may reach the receivers."
  type        = string
}

variable "secrets" {
  description = "Setting -> ARN of the secret or parameter with its value, as ECS takes it (`ARN:KEY::` picks a JSON key): LLAMA_CLOUD_API_KEY, MAILROOM_WEBHOOK_HEADERS, MAILROOM_TOKEN_SECRETS, MAILROOM_SIGNING_SECRETS."
  type        = map(string)
}

variable "environment" {
  description = "More settings (docs/settings.md), and the variables that your table names."
  type        = map(string)
  default     = {}
}

variable "delivery_policy_json" {
  description = "What workers may do at your destinations (docs/destinations.md names the permissions of each kind)."
  type        = string
}

variable "llama_cloud_base_url" {
  type    = string
  default = "https://api.cloud.llamaindex.ai"
}

variable "receivers" {
  type    = number
  default = 2
}

variable "workers" {
  type    = number
  default = 2
}

variable "log_days" {
  type    = number
  default = 90
}
