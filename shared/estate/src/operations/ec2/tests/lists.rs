//! What reads: each list, asked for and read.

use super::*;

/// An action, what it is asked, what EC2 gets, what it answers, and what is told.
struct Listed {
    action: &'static str,
    input: Value,
    sent: &'static [(&'static str, &'static str)],
    answer: &'static str,
    told: Value,
}

/// Elements are those of EC2's API Reference, each action's example answer.
#[expect(clippy::too_many_lines, reason = "a table")]
fn lists() -> Vec<Listed> {
    vec![
        Listed {
            action: "ec2:DescribeInstances",
            input: json!({"Filters": [{"Name": "tag:Name", "Values": ["web", "db"]}], "MaxResults": 5}),
            sent: &[
                ("Filter.1.Name", "tag:Name"),
                ("Filter.1.Value.1", "web"),
                ("Filter.1.Value.2", "db"),
                ("MaxResults", "5"),
            ],
            answer: "<reservationSet><item><reservationId>r-1</reservationId><ownerId>222222222222</ownerId>\
                     <instancesSet><item><instanceId>i-0123456789abcdef0</instanceId><imageId>ami-1</imageId>\
                     <instanceState><code>16</code><name>running</name></instanceState>\
                     <instanceType>m7g.large</instanceType><launchTime>2026-01-02T03:04:05.000Z</launchTime>\
                     <placement><availabilityZone>eu-west-3a</availabilityZone></placement>\
                     <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-1</volumeId>\
                     <status>attached</status><deleteOnTermination>true</deleteOnTermination></ebs></item>\
                     </blockDeviceMapping><tagSet><item><key>Name</key><value>web</value></item></tagSet>\
                     </item></instancesSet></item></reservationSet>",
            told: json!({"Reservations": [{
                "ReservationId": "r-1",
                "OwnerId": "222222222222",
                "Instances": [{
                    "InstanceId": "i-0123456789abcdef0",
                    "ImageId": "ami-1",
                    "State": {"Code": 16, "Name": "running"},
                    "InstanceType": "m7g.large",
                    "LaunchTime": "2026-01-02T03:04:05Z",
                    "Placement": {"AvailabilityZone": "eu-west-3a"},
                    "BlockDeviceMappings": [{
                        "DeviceName": "/dev/xvda",
                        "Ebs": {"VolumeId": "vol-1", "Status": "attached", "DeleteOnTermination": true},
                    }],
                    "SecurityGroups": [],
                    "Tags": [{"Key": "Name", "Value": "web"}],
                }],
            }]}),
        },
        Listed {
            action: "ec2:DescribeVolumes",
            input: json!({"VolumeIds": ["vol-0123456789abcdef0"]}),
            sent: &[("VolumeId.1", "vol-0123456789abcdef0")],
            answer: "<volumeSet><item><volumeId>vol-0123456789abcdef0</volumeId><size>80</size>\
                     <snapshotId>snap-1</snapshotId><availabilityZone>eu-west-3a</availabilityZone>\
                     <status>in-use</status><createTime>2026-01-02T03:04:05.000Z</createTime><attachmentSet>\
                     <item><volumeId>vol-0123456789abcdef0</volumeId><instanceId>i-1</instanceId>\
                     <device>/dev/sda1</device><status>attached</status>\
                     <attachTime>2026-01-02T03:04:06.000Z</attachTime>\
                     <deleteOnTermination>false</deleteOnTermination></item></attachmentSet>\
                     <volumeType>gp3</volumeType><iops>3000</iops><throughput>125</throughput>\
                     <encrypted>true</encrypted><kmsKeyId>arn:aws:kms:eu-west-3:222222222222:key/1</kmsKeyId>\
                     <multiAttachEnabled>false</multiAttachEnabled></item></volumeSet>",
            told: json!({"Volumes": [{
                "VolumeId": "vol-0123456789abcdef0",
                "Size": 80,
                "SnapshotId": "snap-1",
                "AvailabilityZone": "eu-west-3a",
                "State": "in-use",
                "CreateTime": "2026-01-02T03:04:05Z",
                "Attachments": [{
                    "InstanceId": "i-1",
                    "Device": "/dev/sda1",
                    "State": "attached",
                    "AttachTime": "2026-01-02T03:04:06Z",
                    "DeleteOnTermination": false,
                }],
                "VolumeType": "gp3",
                "Iops": 3000,
                "Throughput": 125,
                "Encrypted": true,
                "KmsKeyId": "arn:aws:kms:eu-west-3:222222222222:key/1",
                "MultiAttachEnabled": false,
                "Tags": [],
            }]}),
        },
        Listed {
            action: "ec2:DescribeTags",
            input: json!({"Filters": [{"Name": "resource-type", "Values": ["instance"]}], "MaxResults": 1000}),
            sent: &[
                ("Filter.1.Name", "resource-type"),
                ("Filter.1.Value.1", "instance"),
                ("MaxResults", "1000"),
            ],
            answer: "<tagSet><item><resourceId>i-1</resourceId><resourceType>instance</resourceType>\
                     <key>Name</key><value>web</value></item></tagSet>",
            told: json!({"Tags": [
                {"ResourceId": "i-1", "ResourceType": "instance", "Key": "Name", "Value": "web"},
            ]}),
        },
        Listed {
            action: "ec2:DescribeInstanceStatus",
            input: json!({"IncludeAllInstances": true}),
            sent: &[("IncludeAllInstances", "true"), ("MaxResults", "100")],
            answer: "<instanceStatusSet><item><instanceId>i-1</instanceId>\
                     <availabilityZone>eu-west-3a</availabilityZone><eventsSet><item>\
                     <instanceEventId>instance-event-1</instanceEventId><code>instance-retirement</code>\
                     <description>The instance is running on degraded hardware</description>\
                     <notBefore>2026-02-01T00:00:00.000Z</notBefore></item></eventsSet>\
                     <instanceState><code>16</code><name>running</name></instanceState>\
                     <systemStatus><status>impaired</status><details><item><name>reachability</name>\
                     <status>failed</status><impairedSince>2026-01-02T03:04:05.000Z</impairedSince></item>\
                     </details></systemStatus><instanceStatus><status>ok</status></instanceStatus>\
                     <attachedEbsStatus><status>ok</status></attachedEbsStatus></item></instanceStatusSet>",
            told: json!({"InstanceStatuses": [{
                "InstanceId": "i-1",
                "AvailabilityZone": "eu-west-3a",
                "Events": [{
                    "InstanceEventId": "instance-event-1",
                    "Code": "instance-retirement",
                    "Description": "The instance is running on degraded hardware",
                    "NotBefore": "2026-02-01T00:00:00Z",
                }],
                "InstanceState": {"Code": 16, "Name": "running"},
                "SystemStatus": {"Status": "impaired", "Details": [
                    {"Name": "reachability", "Status": "failed", "ImpairedSince": "2026-01-02T03:04:05Z"},
                ]},
                "InstanceStatus": {"Status": "ok", "Details": []},
                "AttachedEbsStatus": {"Status": "ok"},
            }]}),
        },
        Listed {
            action: "ec2:DescribeVolumeStatus",
            input: json!({"NextToken": "the-second"}),
            sent: &[("MaxResults", "100"), ("NextToken", "the-second")],
            answer: "<volumeStatusSet><item><volumeId>vol-1</volumeId>\
                     <availabilityZone>eu-west-3a</availabilityZone><volumeStatus><status>impaired</status>\
                     <details><item><name>io-enabled</name><status>failed</status></item></details>\
                     </volumeStatus><eventsSet><item><eventId>evol-1</eventId>\
                     <eventType>potential-data-inconsistency</eventType><description>It may be.</description>\
                     <notBefore>2026-01-02T03:04:05.000Z</notBefore></item></eventsSet><actionsSet><item>\
                     <code>enable-volume-io</code><description>Enable volume I/O</description>\
                     <eventId>evol-1</eventId><eventType>potential-data-inconsistency</eventType></item>\
                     </actionsSet></item></volumeStatusSet>",
            told: json!({"VolumeStatuses": [{
                "VolumeId": "vol-1",
                "AvailabilityZone": "eu-west-3a",
                "VolumeStatus": {
                    "Status": "impaired",
                    "Details": [{"Name": "io-enabled", "Status": "failed"}],
                },
                "Events": [{
                    "EventId": "evol-1",
                    "EventType": "potential-data-inconsistency",
                    "Description": "It may be.",
                    "NotBefore": "2026-01-02T03:04:05Z",
                }],
                "Actions": [{
                    "Code": "enable-volume-io",
                    "Description": "Enable volume I/O",
                    "EventId": "evol-1",
                    "EventType": "potential-data-inconsistency",
                }],
            }]}),
        },
        Listed {
            action: "ec2:DescribeSecurityGroups",
            input: json!({"GroupIds": ["sg-01234567"]}),
            sent: &[("GroupId.1", "sg-01234567")],
            answer: "<securityGroupInfo><item><ownerId>222222222222</ownerId><groupId>sg-01234567</groupId>\
                     <groupName>web</groupName><groupDescription>Lets the web in</groupDescription>\
                     <vpcId>vpc-1</vpcId><ipPermissions><item><ipProtocol>tcp</ipProtocol>\
                     <fromPort>443</fromPort><toPort>443</toPort><groups><item><userId>333333333333</userId>\
                     <groupId>sg-2</groupId></item></groups><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp>\
                     <description>all</description></item></ipRanges><ipv6Ranges><item>\
                     <cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges><prefixListIds><item>\
                     <prefixListId>pl-1</prefixListId></item></prefixListIds></item></ipPermissions>\
                     <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol></item></ipPermissionsEgress>\
                     </item></securityGroupInfo>",
            told: json!({"SecurityGroups": [{
                "OwnerId": "222222222222",
                "GroupId": "sg-01234567",
                "GroupName": "web",
                "Description": "Lets the web in",
                "VpcId": "vpc-1",
                "IpPermissions": [{
                    "IpProtocol": "tcp",
                    "FromPort": 443,
                    "ToPort": 443,
                    "UserIdGroupPairs": [{"UserId": "333333333333", "GroupId": "sg-2"}],
                    "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}],
                    "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
                    "PrefixListIds": [{"PrefixListId": "pl-1"}],
                }],
                "IpPermissionsEgress": [{
                    "IpProtocol": "-1",
                    "UserIdGroupPairs": [],
                    "IpRanges": [],
                    "Ipv6Ranges": [],
                    "PrefixListIds": [],
                }],
                "Tags": [],
            }]}),
        },
        Listed {
            action: "ec2:DescribeRouteTables",
            input: json!({}),
            sent: &[("MaxResults", "100")],
            answer: "<routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId>\
                     <ownerId>222222222222</ownerId><routeSet><item>\
                     <destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId>\
                     <state>active</state><origin>CreateRouteTable</origin></item><item>\
                     <destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId>\
                     <state>blackhole</state><origin>CreateRoute</origin></item></routeSet><associationSet>\
                     <item><routeTableAssociationId>rtbassoc-1</routeTableAssociationId>\
                     <routeTableId>rtb-1</routeTableId><main>true</main><associationState>\
                     <state>associated</state></associationState></item></associationSet></item></routeTableSet>",
            told: json!({"RouteTables": [{
                "RouteTableId": "rtb-1",
                "VpcId": "vpc-1",
                "OwnerId": "222222222222",
                "Routes": [
                    {
                        "DestinationCidrBlock": "10.0.0.0/16",
                        "GatewayId": "local",
                        "State": "active",
                        "Origin": "CreateRouteTable",
                    },
                    {
                        "DestinationCidrBlock": "0.0.0.0/0",
                        "NatGatewayId": "nat-1",
                        "State": "blackhole",
                        "Origin": "CreateRoute",
                    },
                ],
                "Associations": [
                    {"RouteTableAssociationId": "rtbassoc-1", "Main": true, "State": "associated"},
                ],
                "Tags": [],
            }]}),
        },
        Listed {
            action: "ec2:DescribeSubnets",
            input: json!({"SubnetIds": ["subnet-01234567", "subnet-76543210"]}),
            sent: &[("SubnetId.1", "subnet-01234567"), ("SubnetId.2", "subnet-76543210")],
            answer: "<subnetSet><item><subnetId>subnet-01234567</subnetId><state>available</state>\
                     <ownerId>222222222222</ownerId><vpcId>vpc-1</vpcId><cidrBlock>10.0.1.0/24</cidrBlock>\
                     <ipv6CidrBlockAssociationSet><item><ipv6CidrBlock>2001:db8::/64</ipv6CidrBlock></item>\
                     </ipv6CidrBlockAssociationSet><availableIpAddressCount>250</availableIpAddressCount>\
                     <availabilityZone>eu-west-3a</availabilityZone>\
                     <availabilityZoneId>euw3-az1</availabilityZoneId><defaultForAz>false</defaultForAz>\
                     <mapPublicIpOnLaunch>true</mapPublicIpOnLaunch></item></subnetSet>",
            told: json!({"Subnets": [{
                "SubnetId": "subnet-01234567",
                "State": "available",
                "OwnerId": "222222222222",
                "VpcId": "vpc-1",
                "CidrBlock": "10.0.1.0/24",
                "Ipv6CidrBlocks": ["2001:db8::/64"],
                "AvailableIpAddressCount": 250,
                "AvailabilityZone": "eu-west-3a",
                "AvailabilityZoneId": "euw3-az1",
                "DefaultForAz": false,
                "MapPublicIpOnLaunch": true,
                "Tags": [],
            }]}),
        },
        Listed {
            action: "ec2:DescribeVpcs",
            input: json!({"Filters": [{"Name": "is-default", "Values": ["true"]}]}),
            sent: &[("Filter.1.Name", "is-default"), ("Filter.1.Value.1", "true"), ("MaxResults", "100")],
            answer: "<vpcSet><item><vpcId>vpc-1</vpcId><ownerId>222222222222</ownerId><state>available</state>\
                     <cidrBlock>10.0.0.0/16</cidrBlock><cidrBlockAssociationSet><item>\
                     <cidrBlock>10.0.0.0/16</cidrBlock><associationId>vpc-cidr-assoc-1</associationId></item>\
                     </cidrBlockAssociationSet><dhcpOptionsId>dopt-1</dhcpOptionsId>\
                     <instanceTenancy>default</instanceTenancy><isDefault>true</isDefault></item></vpcSet>",
            told: json!({"Vpcs": [{
                "VpcId": "vpc-1",
                "OwnerId": "222222222222",
                "State": "available",
                "CidrBlock": "10.0.0.0/16",
                "CidrBlockAssociationSet": [
                    {"AssociationId": "vpc-cidr-assoc-1", "CidrBlock": "10.0.0.0/16"},
                ],
                "Ipv6CidrBlockAssociationSet": [],
                "DhcpOptionsId": "dopt-1",
                "InstanceTenancy": "default",
                "IsDefault": true,
                "Tags": [],
            }]}),
        },
        Listed {
            action: "ec2:DescribeImages",
            input: json!({"Owners": ["self", "333333333333"], "IncludeDeprecated": true, "IncludeDisabled": false}),
            sent: &[
                ("IncludeDeprecated", "true"),
                ("IncludeDisabled", "false"),
                ("MaxResults", "100"),
                ("Owner.1", "self"),
                ("Owner.2", "333333333333"),
            ],
            answer: "<imagesSet><item><imageId>ami-1</imageId><imageState>available</imageState>\
                     <imageOwnerId>222222222222</imageOwnerId><isPublic>false</isPublic>\
                     <architecture>arm64</architecture><creationDate>2026-01-02T03:04:05.000Z</creationDate>\
                     <name>golden</name><description>Ours</description><rootDeviceType>ebs</rootDeviceType>\
                     <rootDeviceName>/dev/xvda</rootDeviceName><blockDeviceMapping><item>\
                     <deviceName>/dev/xvda</deviceName><ebs><snapshotId>snap-1</snapshotId>\
                     <volumeSize>8</volumeSize><deleteOnTermination>true</deleteOnTermination>\
                     <volumeType>gp3</volumeType><encrypted>false</encrypted></ebs></item>\
                     </blockDeviceMapping><virtualizationType>hvm</virtualizationType>\
                     <enaSupport>true</enaSupport><platformDetails>Linux/UNIX</platformDetails></item></imagesSet>",
            told: json!({"Images": [{
                "ImageId": "ami-1",
                "State": "available",
                "OwnerId": "222222222222",
                "Public": false,
                "Architecture": "arm64",
                "CreationDate": "2026-01-02T03:04:05.000Z",
                "Name": "golden",
                "Description": "Ours",
                "RootDeviceType": "ebs",
                "RootDeviceName": "/dev/xvda",
                "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {
                    "SnapshotId": "snap-1",
                    "VolumeSize": 8,
                    "DeleteOnTermination": true,
                    "VolumeType": "gp3",
                    "Encrypted": false,
                }}],
                "VirtualizationType": "hvm",
                "EnaSupport": true,
                "PlatformDetails": "Linux/UNIX",
                "Tags": [],
            }]}),
        },
        Listed {
            action: "ec2:DescribeInstanceTypes",
            input: json!({"InstanceTypes": ["g5g.xlarge"]}),
            sent: &[("InstanceType.1", "g5g.xlarge")],
            answer: "<instanceTypeSet><item><instanceType>g5g.xlarge</instanceType>\
                     <currentGeneration>true</currentGeneration><bareMetal>false</bareMetal>\
                     <hypervisor>nitro</hypervisor><supportedUsageClasses><item>on-demand</item>\
                     <item>spot</item></supportedUsageClasses><processorInfo><supportedArchitectures>\
                     <item>arm64</item></supportedArchitectures>\
                     <sustainedClockSpeedInGhz>2.5</sustainedClockSpeedInGhz><manufacturer>AWS</manufacturer>\
                     </processorInfo><vCpuInfo><defaultVCpus>4</defaultVCpus><defaultCores>4</defaultCores>\
                     <defaultThreadsPerCore>1</defaultThreadsPerCore></vCpuInfo><memoryInfo>\
                     <sizeInMiB>8192</sizeInMiB></memoryInfo><gpuInfo><gpus><item><name>T4g</name>\
                     <manufacturer>NVIDIA</manufacturer><count>1</count></item></gpus>\
                     <totalGpuMemoryInMiB>16384</totalGpuMemoryInMiB></gpuInfo><networkInfo>\
                     <networkPerformance>Up to 10 Gigabit</networkPerformance>\
                     <maximumNetworkInterfaces>4</maximumNetworkInterfaces>\
                     <ipv4AddressesPerInterface>15</ipv4AddressesPerInterface></networkInfo>\
                     <hibernationSupported>false</hibernationSupported>\
                     <burstablePerformanceSupported>false</burstablePerformanceSupported>\
                     <supportedBootModes><item>uefi</item></supportedBootModes></item></instanceTypeSet>",
            told: json!({"InstanceTypes": [{
                "InstanceType": "g5g.xlarge",
                "CurrentGeneration": true,
                "BareMetal": false,
                "Hypervisor": "nitro",
                "SupportedUsageClasses": ["on-demand", "spot"],
                "ProcessorInfo": {
                    "SupportedArchitectures": ["arm64"],
                    "SustainedClockSpeedInGhz": 2.5,
                    "Manufacturer": "AWS",
                },
                "VCpuInfo": {"DefaultVCpus": 4, "DefaultCores": 4, "DefaultThreadsPerCore": 1},
                "MemoryInfo": {"SizeInMiB": 8192},
                "GpuInfo": {
                    "Gpus": [{"Name": "T4g", "Manufacturer": "NVIDIA", "Count": 1}],
                    "TotalGpuMemoryInMiB": 16384,
                },
                "NetworkInfo": {
                    "NetworkPerformance": "Up to 10 Gigabit",
                    "MaximumNetworkInterfaces": 4,
                    "Ipv4AddressesPerInterface": 15,
                },
                "HibernationSupported": false,
                "BurstablePerformanceSupported": false,
                "SupportedBootModes": ["uefi"],
            }]}),
        },
        Listed {
            action: "ec2:DescribeSnapshots",
            input: json!({"OwnerIds": ["333333333333"]}),
            sent: &[("MaxResults", "100"), ("Owner.1", "333333333333")],
            answer: "<snapshotSet><item><snapshotId>snap-1</snapshotId><volumeId>vol-1</volumeId>\
                     <status>pending</status><startTime>2026-01-02T03:04:05.000Z</startTime>\
                     <progress>30%</progress><ownerId>333333333333</ownerId><volumeSize>30</volumeSize>\
                     <description>Daily</description><encrypted>true</encrypted>\
                     <storageTier>standard</storageTier><tagSet><item><key>a</key><value/></item></tagSet>\
                     </item></snapshotSet>",
            told: json!({"Snapshots": [{
                "SnapshotId": "snap-1",
                "VolumeId": "vol-1",
                "State": "pending",
                "StartTime": "2026-01-02T03:04:05Z",
                "Progress": "30%",
                "OwnerId": "333333333333",
                "VolumeSize": 30,
                "Description": "Daily",
                "Encrypted": true,
                "StorageTier": "standard",
                "Tags": [{"Key": "a", "Value": ""}],
            }]}),
        },
    ]
}

fn name(action: &str) -> &str {
    action.split_once(':').unwrap().1
}

#[test]
fn every_list_that_is_offered_is_among_them() {
    let offered: Vec<_> = OFFERED.iter().filter(|action| action.starts_with("ec2:Describe")).collect();
    let listed: Vec<_> = lists().iter().map(|list| list.action).collect();
    assert_eq!(offered, listed.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn each_list_is_asked_for_once_and_told_under_ec2s_names() {
    for list in lists() {
        let answer = list.answer;
        let (outcome, calls) =
            carry(list.action, list.input, false, move |call| page(&call.operation, answer)).await;
        let mut expected = fields(list.sent);
        expected.extend(fields(&[("Action", name(list.action)), ("DryRun", "false")]));
        assert_eq!(calls.iter().map(sent).collect::<Vec<_>>(), [expected], "{}", list.action);
        assert_eq!(told(&outcome.output), list.told, "{}", list.action);
        assert_eq!(became(&outcome), [(list.action, None)]);
        assert_eq!(outcome.request_ids, ["of-the-answer"], "{}", list.action);
        assert!(!outcome.confidential, "{}", list.action);
    }
}

#[tokio::test]
async fn a_page_names_where_the_next_begins_which_is_asked_for_in_turn() {
    for list in lists() {
        let next = "<nextToken>the-third</nextToken>";
        let input = json!({"NextToken": "the-second", "MaxResults": 50});
        let (outcome, calls) = carry(list.action, input, false, |call| page(&call.operation, next)).await;
        assert_eq!(outcome.output["NextToken"], "the-third", "{}", list.action);
        let sent = (calls[0].field("NextToken"), calls[0].field("MaxResults"));
        assert_eq!((sent, calls.len()), ((Some("the-second"), Some("50")), 1), "{}", list.action);
    }
}

#[tokio::test]
async fn a_dry_run_asks_whether_it_would() {
    for list in lists() {
        let (outcome, calls) = carry(list.action, list.input.clone(), true, |_| {
            Reply::ec2(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        })
        .await;
        assert!(calls.len() == 1 && calls[0].is_dry(), "{calls:?}");
        assert_eq!((became(&outcome), &outcome.output), (vec![(list.action, None)], &Value::Null));

        // What says so without having been asked to has not been carried out.
        let (outcome, _) =
            carry(list.action, list.input, false, |_| Reply::ec2(412, "DryRunOperation", "")).await;
        assert_eq!(became(&outcome), [(list.action, Some("refused"))]);
    }
}

#[tokio::test]
async fn a_refusal_says_what_was_refused_and_what_mends_it() {
    for list in lists() {
        let message = format!(
            "You are not authorized to perform this operation. User: arn:aws:sts::222222222222:assumed-role/\
             customer/drawbridge-test is not authorized to perform: {} because no identity-based policy allows \
             the {} action",
            list.action, list.action
        );
        let (outcome, _) =
            carry(list.action, list.input, true, move |_| Reply::ec2(403, "UnauthorizedOperation", &message))
                .await;
        assert_eq!(became(&outcome), [(list.action, Some("access_denied"))]);
        let detail = outcome.targets[0].detail.as_deref().unwrap();
        assert!(detail.contains(list.action), "{detail}");
        assert!(
            detail.ends_with("adds a statement that allows the action to the role's permissions."),
            "{detail}"
        );
        assert_eq!(outcome.request_ids, ["of-the-answer"]);
    }
}

#[tokio::test]
async fn nobody_lists_all_public_images_or_snapshots() {
    for (action, id, prefix) in
        [("ec2:DescribeImages", "ImageIds", "ami-"), ("ec2:DescribeSnapshots", "SnapshotIds", "snap-")]
    {
        let owner = async |input| {
            let (_, calls) = carry(action, input, false, |call| page(&call.operation, "")).await;
            calls[0].field("Owner.1").map(str::to_owned)
        };
        for everything in [json!({}), json!({"Filters": []}), json!({"MaxResults": 10, "NextToken": "x"})] {
            assert_eq!(owner(everything).await.as_deref(), Some("self"), "{action}");
        }
        let filter = json!({"Filters": [{"Name": "name", "Values": ["al2023*"]}]});
        assert_eq!(owner(filter).await, None, "{action}");
        assert_eq!(owner(json!({id: [format!("{prefix}01234567")]})).await, None, "{action}");
    }
}
