variable "role_name" {
  description = "Name of the role, as your provider shows it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@-]{1,64}$", var.role_name))
    error_message = "A role name is 1 to 64 letters, digits or any of +=,.@_-."
  }
}

variable "external_id" {
  description = "External ID of this connection, as your provider shows it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]{2,1224}$", var.external_id))
    error_message = "An external ID is 2 to 1,224 letters, digits or any of _+=,.@:/-."
  }
}

variable "provider_account_id" {
  description = "AWS account ID of your provider."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.provider_account_id))
    error_message = "An AWS account ID is 12 digits."
  }
}

variable "capabilities" {
  description = "What the provider may do, such as [\"ec2-power\", \"dynamodb-backup\"]. README.md lists them."
  type        = set(string)

  validation {
    condition     = length(var.capabilities) > 0
    error_message = "Choose at least one capability. A role that may do nothing is of no use."
  }

  # A validation may look at its own variable alone in older versions of Terraform, so that the names stand here too.
  validation {
    condition = length(setsubtract(var.capabilities, [
      "ec2-observe",
      "ec2-power",
      "ec2-launch",
      "ec2-terminate",
      "ec2-connect",
      "ec2-backup",
      "ec2-kms",
      "dynamodb-observe",
      "dynamodb-backup",
      "dynamodb-restore",
      "dynamodb-drill",
      "dynamodb-data",
      "dynamodb-tables",
      "classic",
    ])) == 0
    error_message = "One of these is no capability; README.md lists them."
  }

  validation {
    condition     = length(var.capabilities) == 1 || !contains(var.capabilities, "classic")
    error_message = "The capability classic stands alone. Choose it or others, not both."
  }
}

variable "tags" {
  description = "Further tags of the role."
  type        = map(string)
  default     = {}
}
