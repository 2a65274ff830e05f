# The role through which Drawbridge operates in this account. Only the provider's Drawbridge can assume it, and only with
# the external ID of this connection. Destroy it to end the access.

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

locals {
  # Which capability allows what: written from Drawbridge's own table, and not by hand.
  table = jsondecode(templatefile("${path.module}/capabilities.json.tftpl", {
    partition = data.aws_partition.current.partition
    account   = data.aws_caller_identity.current.account_id
  }))

  # Every capability of a service needs to see what it acts on.
  effective = flatten([
    for row in local.table : concat([row.name], row.implies) if contains(var.capabilities, row.name)
  ])

  statements = flatten([for row in local.table : row.statements if contains(local.effective, row.name)])
}

resource "aws_iam_role" "drawbridge" {
  name                 = var.role_name
  description          = "Lets Drawbridge operate in this account."
  max_session_duration = 3600

  tags = merge(var.tags, { "drawbridge:provider" = var.provider_account_id })

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      # The account and a pattern, not the broker itself: AWS would keep a role here as its unique id, and the trust would
      # die with the role.
      Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${var.provider_account_id}:root" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "sts:ExternalId" = var.external_id }
        ArnLike = {
          "aws:PrincipalArn" = "arn:${data.aws_partition.current.partition}:iam::${var.provider_account_id}:role/drawbridge/broker-*"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "drawbridge" {
  name = "drawbridge"
  role = aws_iam_role.drawbridge.id

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.statements
  })
}
