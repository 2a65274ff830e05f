output "role_arn" {
  description = "Give this to your provider."
  value       = aws_iam_role.drawbridge.arn
}

output "role_name" {
  description = "Name of the role."
  value       = aws_iam_role.drawbridge.name
}
