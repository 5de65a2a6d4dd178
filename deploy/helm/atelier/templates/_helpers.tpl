{{- define "atelier.labels" -}}
app.kubernetes.io/name: atelier
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* What a selector may name: it can never be changed. Called with (dict "root" $ "part" "web"). */}}
{{- define "atelier.selector" -}}
app.kubernetes.io/name: atelier
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "atelier.name" -}}
{{ printf "%s-%s" .root.Release.Name .part | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "atelier.image" -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/*
The pod of one part: (dict "root" $ "part" "web" "command" (list "web") "image" .Values.images.web
"home" <the volume of /data> "grace" 20 "values" .Values.web)
*/}}
{{- define "atelier.pod" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
automountServiceAccountToken: false
terminationGracePeriodSeconds: {{ .grace }}
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: data
    {{- toYaml .home | nindent 4 }}
  - name: tmp
    emptyDir: {sizeLimit: 1Gi}
  {{- if eq .part "gpu" }}
  - name: shm
    emptyDir: {medium: Memory, sizeLimit: 2Gi}
  {{- end }}
containers:
  - name: {{ .part }}
    image: {{ include "atelier.image" . }}
    imagePullPolicy: {{ .root.Values.images.pullPolicy }}
    {{- with .entrypoint }}
    command: {{ toJson . }}
    {{- end }}
    args: {{ toJson .command }}
    envFrom:
      - secretRef: {name: {{ .root.Values.secretName }}}
      - configMapRef: {name: {{ include "atelier.name" (dict "root" .root "part" "env") }}}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    volumeMounts:
      - {name: data, mountPath: /data}
      - {name: tmp, mountPath: /tmp}
      {{- if eq .part "gpu" }}
      - {name: shm, mountPath: /dev/shm}
      {{- end }}
    {{- with .values.resources }}
    resources: {{ toYaml . | nindent 6 }}
    {{- end }}
    {{- if eq .part "web" }}
    ports:
      - {name: http, containerPort: 8000}
    startupProbe:
      httpGet: {path: /healthz, port: http}
      periodSeconds: 3
      failureThreshold: 40
    livenessProbe:
      httpGet: {path: /healthz, port: http}
      timeoutSeconds: 5
    readinessProbe:
      httpGet: {path: /readyz, port: http}
      timeoutSeconds: 8
    {{- end }}
{{- end }}
