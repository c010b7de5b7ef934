{{/* A pod of the App: dict "root" "restartPolicy". */}}
{{- define "pod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "pod-labels" $root | nindent 4 }}
  {{- if or (include "file-texts" $root) $root.Values.externalSecrets }}
  annotations:
    # Other data, other pods.
    deploy-gateway.dev/data: {{ cat (toJson $root.Values.files) (toJson $root.Values.externalSecrets) | sha256sum | quote }}
  {{- end }}
spec:
  {{- include "pod-basics" $root | nindent 2 }}
  serviceAccountName: {{ $root.Values.app | quote }}
  {{- if .restartPolicy }}
  restartPolicy: {{ .restartPolicy }}
  {{- else }}
  affinity:
    podAntiAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "selector" $root | nindent 16 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "selector" $root | nindent 10 }}
  {{- end }}
  {{- with $root.Values.init }}
  initContainers:
    {{- range . }}
    - {{ include "container" (dict "root" $root "name" .name "image" .image "command" .command "env" $root.Values.env "resources" $root.Values.resources "disk" $root.Values.disk) | nindent 6 | trim }}
    {{- end }}
  {{- end }}
  containers:
    - {{ include "container" (dict "root" $root "main" true "name" $root.Values.app "image" $root.Values.image "command" $root.Values.command "args" $root.Values.args "env" $root.Values.env "resources" $root.Values.resources "disk" $root.Values.disk) | nindent 6 | trim }}
    {{- range $root.Values.sidecars }}
    - {{ include "container" (dict "root" $root "apart" true "name" .name "image" .image "command" .command "args" .args "env" .env "resources" .resources) | nindent 6 | trim }}
    {{- end }}
  volumes:
    {{- include "volumes" (dict "root" $root "hook" false) | trim | nindent 4 }}
{{- end }}

{{/* What every pod has, the App's and those of its hooks. */}}
{{- define "pod-basics" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .Values.stop.seconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .Values.user | int64 }}
  runAsGroup: {{ .Values.user | int64 }}
  fsGroup: {{ .Values.user | int64 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.placement }}
{{- with .nodeSelector }}
nodeSelector: {{ toJson . }}
{{- end }}
{{- with .tolerations }}
tolerations: {{ toJson . }}
{{- end }}
{{- with .priorityClass }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .runtimeClass }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
