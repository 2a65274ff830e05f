# One connection in one account. Its values are those that `drawbridge connections show` prints, or the page behind the
# provider's link.

provider "aws" {
  region = "eu-central-1"
}

module "drawbridge" {
  source = "../.."

  role_name           = "drawbridge-a1b2c3d4"
  external_id         = var.external_id
  provider_account_id = "111111111111"
  capabilities        = ["ec2-power", "dynamodb-backup"]

  tags = {
    team = "platform"
  }
}

# terraform apply -var external_id=…
variable "external_id" {
  description = "External ID of this connection."
  type        = string
}

output "role_arn" {
  description = "Give this to your provider."
  value       = module.drawbridge.role_arn
}
