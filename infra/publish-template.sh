#!/usr/bin/env bash
# Puts infra/customer-role.yaml where customers' CloudFormation can read it, and prints its URL:
#
#   infra/publish-template.sh BUCKET [PREFIX]
#
# The key holds a hash of the file: what a link once led to never changes, and publishing the same file again does
# nothing. With CHECK=1 it sees that the URL can be read without credentials. The AWS CLI finds credentials, Region and
# endpoint as it always does.
set -euo pipefail

bucket=${1:?usage: publish-template.sh BUCKET [PREFIX]} prefix=${2:-drawbridge}
template=$(dirname "$0")/customer-role.yaml

# Names that need no quoting in a URL, a policy or a link. Source: Amazon S3 User Guide, "Bucket naming rules".
if [[ ! $bucket =~ ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$ ]]; then
    echo "error: $bucket is not the name of a bucket" >&2
    exit 2
fi
if [[ ! $prefix =~ ^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$ ]]; then
    echo "error: the prefix $prefix is not letters, digits, - and _ between single slashes" >&2
    exit 2
fi

hash=$(sha256sum "$template" 2>/dev/null || shasum -a 256 "$template")
key=$prefix/customer-role-${hash:0:16}.yaml

# Buckets of us-east-1 have no location. Source: Amazon S3 API Reference, GetBucketLocation.
region=$(aws s3api get-bucket-location --bucket "$bucket" --query LocationConstraint --output text)
case $region in
    None | null | '') region=us-east-1 ;;
    EU) region=eu-west-1 ;;
esac
case $region in
    cn-*) partition=aws-cn host=s3.$region.amazonaws.com.cn ;;
    us-gov-*) partition=aws-us-gov host=s3.$region.amazonaws.com ;;
    *) partition=aws host=s3.$region.amazonaws.com ;;
esac
endpoint=${AWS_ENDPOINT_URL_S3:-${AWS_ENDPOINT_URL:-}}
# A certificate for *.s3.… does not hold for a bucket with a dot in its name, so that the bucket stands in the path there.
if [[ -n $endpoint ]]; then
    url=${endpoint%/}/$bucket/$key
elif [[ $bucket == *.* ]]; then
    url=https://$host/$bucket/$key
else
    url=https://$bucket.$host/$key
fi

if aws s3api head-object --bucket "$bucket" --key "$key" >/dev/null 2>&1; then
    echo "$key is published already" >&2
else
    aws s3api put-object --bucket "$bucket" --key "$key" --body "$template" --content-type application/yaml >/dev/null
    echo "$key is published" >&2
fi

if [[ -n ${CHECK:-} ]]; then
    if curl --fail --silent --show-error --max-time 30 --output - "$url" | cmp --silent - "$template"; then
        echo "anybody can read it" >&2
    else
        cat >&2 <<POLICY
error: $url cannot be read without credentials. Quick-create links work only where the customer's CloudFormation can read
the template: add this statement to the bucket's policy (and let the bucket take public policies, or name your customers'
accounts in the place of "*"), then run this again:
  {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
   "Resource": "arn:$partition:s3:::$bucket/$prefix/customer-role-*"}
POLICY
        exit 1
    fi
else
    cat >&2 <<NOTE
Customers' CloudFormation must be able to read it: the bucket's policy needs s3:GetObject for them on
arn:$partition:s3:::$bucket/$prefix/customer-role-*. CHECK=1 sees whether anybody can.
NOTE
fi
echo "Deploy the stack with this as its parameter CustomerTemplateUrl:" >&2
echo "$url"
